"""What carries packets: ports, forwarder, whose an address is. In Python throughout, or on threads of Rust."""

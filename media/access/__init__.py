"""Who may enter a call: MSC4195's questions, answered with the school's rules."""

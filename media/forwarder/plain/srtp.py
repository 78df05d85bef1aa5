"""SRTP and SRTCP of one peer (RFC 3711, RFC 7714) on pylibsrtp."""

from __future__ import annotations

from contextlib import suppress

from pylibsrtp import Error, Policy, Session

from media.forwarder.api import Drop, SrtpKeys, SrtpProfile

_PROFILES = {
    SrtpProfile.AES128_CM_SHA1_80: Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    SrtpProfile.AEAD_AES_128_GCM: Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    SrtpProfile.AEAD_AES_256_GCM: Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}

#: Packets behind the newest that are still accepted once (RFC 3711 3.3.2: at least 64). At 5 Mbit/s 1.5 s of a screen.
REPLAY_WINDOW = 1_024
#: pylibsrtp's buffer; longer datagrams are nobody's RTP.
LONGEST = 1_500

#: libsrtp's words for why not.
_REASONS = {
    "authentication failure": Drop.FORGED,
    "replay check failed (bad index)": Drop.REPLAYED,
    "replay check failed (index too old)": Drop.REPLAYED,
}


class SrtpSession:
    """Both directions of a peer. Each refusal is a `Drop`; nothing raises for what a peer sent."""

    def __init__(self, keys: SrtpKeys) -> None:
        self._rx = Session(
            _policy(keys.profile, keys.rx_key + keys.rx_salt, Policy.SSRC_ANY_INBOUND)
        )
        outbound = _policy(keys.profile, keys.tx_key + keys.tx_salt, Policy.SSRC_ANY_OUTBOUND)
        # Without RTX a NACK is answered with the same packet, byte for byte: the same nonce, and the same text.
        outbound.allow_repeat_tx = True
        self._tx = Session(outbound)
        self.protect = self._tx.protect
        self.protect_rtcp = self._tx.protect_rtcp

    def unprotect(self, datagram: bytes) -> bytes | Drop:
        if len(datagram) > LONGEST:
            return Drop.NOT_RTP
        try:
            return self._rx.unprotect(datagram)
        except Error as error:
            return _REASONS.get(str(error), Drop.NOT_RTP)

    def forget(self, ssrc: int) -> None:
        """The context of an SSRC that was received, its replay lists too, of RTP and of RTCP."""
        self._rx.remove_stream(ssrc)

    def forget_sent(self, *ssrcs: int) -> None:
        """Contexts of SSRCs of ours that nothing is sent with any more: the numbers of each would begin anew."""
        for ssrc in ssrcs:
            with suppress(Error):  # nothing was sent with it
                self._tx.remove_stream(ssrc)

    def unprotect_rtcp(self, datagram: bytes) -> bytes | Drop:
        if len(datagram) > LONGEST:
            return Drop.NOT_RTP
        try:
            return self._rx.unprotect_rtcp(datagram)
        except Error as error:
            return _REASONS.get(str(error), Drop.RTCP_MALFORMED)


def _policy(profile: SrtpProfile, key: bytes, ssrc_type: int) -> Policy:
    policy = Policy(key=key, ssrc_type=ssrc_type, srtp_profile=_PROFILES[profile])
    policy.window_size = REPLAY_WINDOW
    return policy

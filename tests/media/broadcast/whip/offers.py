"""Offers as clients write them: parts of Chromium's and Firefox's own (tests/media/sdp/golden), OBS, RFC 9725."""

from __future__ import annotations

import re

from tests.media.sdp.goldens import golden

RFC_PWD = "P2uYro0UCOQ4zxjKXaWCBui1"
NEW_PWD = "vw5LmwG4y/e6dPP/zAP9Gp5k"
HASH = ":".join(["AB"] * 32)


def chosen(text: str, mids: str) -> str:
    """A browser's description with some of its sections only, as it writes it when there are no others."""
    head, *sections = re.split(r"(?m)^(?=m=)", text)
    kept = [one for one in sections if re.search(rf"(?m)^a=mid:[{mids}]\r?$", one)]
    group = "a=group:BUNDLE " + " ".join(mids)
    return re.sub(r"a=group:BUNDLE [^\r\n]*", group, head) + "".join(kept)


#: Chromium 156: a microphone, a camera with layers q, h, f, every codec it has.
CHROMIUM = chosen(golden("chromium_v1_publish"), "78")
#: Chromium 156 as a viewer: free sections, in which it receives.
CHROMIUM_VIEWER = chosen(golden("chromium_v1_publish"), "03")
#: Firefox, whose OpenH264 is not there: VP8, VP9 and AV1; the fingerprint stands in the session.
FIREFOX = chosen(golden("firefox_publish"), "01")

#: OBS 30 through libdatachannel (broadcast.md §5): ICE, DTLS and role said once for all, group LS, sound first, one
#: codec of each kind, full ICE in the first section, whose port and address are those of a candidate.
OBS = f"""v=0
o=rtc 1873022542 0 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=group:LS 0 1
a=msid-semantic:WMS *
a=ice-options:ice2
a=ice-ufrag:nAZ2
a=ice-pwd:V4eB0yRVlWsUeKQ7xLhrxb
a=fingerprint:sha-256 {HASH}
a=setup:actpass
m=audio 51842 UDP/TLS/RTP/SAVPF 111
c=IN IP4 192.0.2.17
a=mid:0
a=sendonly
a=ssrc:1723452341 cname:4Jw7pD2n
a=ssrc:1723452341 msid:zbF3cF2q zbF3cF2q-audio
a=msid:zbF3cF2q zbF3cF2q-audio
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1
a=candidate:1 1 UDP 2122317823 192.0.2.17 51842 typ host
a=candidate:2 1 UDP 2122317311 2001:db8::17 51842 typ host
a=candidate:3 1 UDP 1686109695 198.51.100.4 51842 typ srflx raddr 0.0.0.0 rport 0
a=end-of-candidates
m=video 51842 UDP/TLS/RTP/SAVPF 96
c=IN IP4 192.0.2.17
a=mid:1
a=sendonly
a=ssrc:1723452342 cname:4Jw7pD2n
a=ssrc:1723452342 msid:zbF3cF2q zbF3cF2q-video
a=msid:zbF3cF2q zbF3cF2q-video
a=rtcp-mux
a=rtpmap:96 H264/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtcp-fb:96 goog-remb
a=fmtp:96 profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1
""".replace("\n", "\r\n")

#: In the shape of RFC 9725's figure 2: both sections bundle-only, one codec each. The RFC's camera is VP8.
RFC_VP8 = f"""v=0
o=- 5228595038118931041 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=ice-options:trickle ice2
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=fingerprint:sha-256 {HASH}
a=setup:actpass
a=mid:0
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendonly
a=msid:d46fb922-d52a-4e9c-aa87-444eadc1521b ce326ecf-a081-453a-8f9f-0605d5ef4128
a=rtcp-mux
a=rtcp-mux-only
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
m=video 0 UDP/TLS/RTP/SAVPF 96 97
a=mid:1
a=bundle-only
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id
a=sendonly
a=msid:d46fb922-d52a-4e9c-aa87-444eadc1521b 3956b460-40f4-4d05-acef-03abcdd8c6fd
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 ccm fir
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtcp-mux
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
""".replace("\n", "\r\n")
RFC = RFC_VP8.replace(
    "a=rtpmap:96 VP8/90000",
    "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;profile-level-id=42e01f",
)

SOUND_ONLY = OBS.split("m=video")[0].replace("BUNDLE 0 1", "BUNDLE 0")
OFFERS = {"chromium": CHROMIUM, "obs": OBS, "rfc": RFC, "sound": SOUND_ONLY}


def trickle(ufrag: str = "EsAw", pwd: str = RFC_PWD) -> str:
    """RFC 9725's figure 3."""
    return f"""a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=ice-ufrag:{ufrag}
a=ice-pwd:{pwd}
a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag {ufrag} network-id 1
a=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ host generation 0 ufrag {ufrag} network-id 2
a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0 ufrag {ufrag}
a=end-of-candidates
""".replace("\n", "\r\n")


def restart(ufrag: str = "ysXw", pwd: str = NEW_PWD) -> str:
    """RFC 9725's figure 4."""
    return f"""a=ice-options:trickle ice2
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=ice-ufrag:{ufrag}
a=ice-pwd:{pwd}
a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag {ufrag} network-id 1
""".replace("\n", "\r\n")

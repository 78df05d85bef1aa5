"""A broadcast of one school for the people of another (R47): its node fetches each quality once and serves them itself.

theirs: POST /fanout/pass ─▶ endpoints ─▶ asking (pure): whose key signed it ─▶ a node's pass, ten minutes
ours:   puller ─▶ /live/<pass>/<broadcast>/… ─▶ playlists, boxes (pure) ─▶ course (pure) ─▶ Publication ─▶ our viewers
"""

"""The origin of broadcasts: what packagers write, what viewers and edges fetch, what is kept.

packager ─▶ Publication (publication.py) ─▶ Live ─▶ memory, disk ─▶ endpoints ─▶ viewers, edges
                                                  └▶ recording.mp4 ─▶ Materials
"""

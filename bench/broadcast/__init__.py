"""A broadcast and its viewers, measured: `make bench B=broadcast`.

film.py      pictures and sound, coded once         stage.py    publishes them again and again, as they would be now
origin.py    Python, a process of its own            edge.py     stock nginx with the product's configuration
crowd.py     thousands of viewers (rust/viewers)     player.py   hls.js in Chromium, which sees how late the picture is
rows.py      one kind of measurement each            sums.py     what is made of what was seen
"""

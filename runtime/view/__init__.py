"""`cxrspec view`: an output as pages that a browser on the same machine shows.

corpus.py knows what an output holds, pages.py reads examples page by page, charts.py counts, pictures.py finds and shows
pictures, made_up.py draws those of a demo, origins.py tells where an example came from, server.py answers the browser,
guard.py lets nobody else in. The page itself is static/: HTML, CSS and modules of JavaScript, as they stand there.
"""

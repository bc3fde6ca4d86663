"""The local view: what compacted topics say, in one SQLite file, so that it can be asked.

It is a copy and nothing else: rebuilt from Kafka at any time, followed exactly once (offsets and rows are written in one SQLite
transaction), read to the end before a command answers. Nobody decides by it.

Whoever asks something names the topics that it needs, and asks with the functions of ``read`` or with SQL of its own against the
tables of ``schema``::

    with following(settings, ("activities", "judge-state")) as view:        # deploy.view.update
        for one in activities(view, "dimension = 'egress'"):      # deploy.view.read
            ...
        view.execute("SELECT count(*) FROM entities WHERE kind = 'container'")
"""

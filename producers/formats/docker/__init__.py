"""Engine events of Docker and Podman, and what ``inspect`` knows of the containers they are about.

Input, one JSON object a line, as of ``GET /events``, ``docker events --format '{{json .}}'`` or ``podman events --format
json``; shapes of old engines (``status``, ``id``, ``from``) are read too. Our live origin adds what it asked for::

    {"Type": "container", "Action": "start", "Actor": {"ID": "ddb0d06f…", "Attributes": {"image": "shop/web:1.0", …}},
     "timeNano": 1795425185722034519, "inspect": {…}, "inspect_image": {…}}

``inspect`` is of ``GET /containers/ID/json``, ``inspect_image`` of ``GET /images/ID/json``, ``inspect_exec`` of
``GET /exec/ID/json`` (Podman's exec events do not tell the command). A line with ``inspect`` alone (also one of ``docker
inspect``) is facts of a container that was there already.

What a container uses comes as a line with ``usage``, made by our origin: see ``producers.origins.docker.usage``.

Expected: facts of the container (``event.action: facts``, settings included), then ``container-start``, with its settings
as the activity; of a measurement
one ``resource-usage`` for each metric. Shapes: https://docs.docker.com/reference/api/engine/ and recordings of Docker 20 to 29 and Podman 4.3.
"""

from producers.formats.docker.format import DockerFormat
from producers.formats.docker.reduce import reduced_image, reduced_inspect

__all__ = ["DockerFormat", "reduced_image", "reduced_inspect"]

from __future__ import annotations

from deploy.inventory.registries import registries_of
from tests.deploy.inventory.lab import LATER, NEW, NOON, OLD, estate_of
from tests.deploy.view.lab import Said, activity, container, shared


def told(action: str, user: str, image: str, count: int = 1, first: str = NOON) -> Said:
    done = {"event.action": action, "event.module": "registry", "container.settings.images": [image]}
    return activity(f"user:registry.example/{user}", done, count=count, first=first)


def test_registries_are_those_that_tell_and_those_that_images_name() -> None:
    tells, named = registries_of(
        estate_of(
            shared(f"image:{OLD}", "registry.example/app", {"container.image.registries": ["registry.example/app"]}),
            container("a" * 12, container__image__id=OLD, container__image__name="registry.example/app"),
            container("b" * 12, container__image__id=NEW, container__image__name="ubuntu", ended=NOON),
            told("image-push", "ci", "registry.example/app:1", count=2),
            told("image-pull", "node", "registry.example/app:1", count=5, first=LATER),
        )
    )[::-1]
    assert (tells.registry, tells.tells, tells.repositories, tells.images, tells.running) == (
        "registry.example",
        True,
        ("app",),
        1,
        1,
    )
    assert (tells.pushes, tells.pulls, tells.pushed_by) == (2, 5, ("user:registry.example/ci",))
    assert (tells.first, tells.last) == (NOON, LATER)
    assert (named.registry, named.tells, named.images, named.running) == ("docker.io", False, 1, 0)
    assert named.repositories == ("library/ubuntu",)

"""The size and shape of the code, in numbers: `make structure`.

A floor is a step of the longest way down: what imports nothing of its surroundings stands on the first, and
what imports each other in a circle shares one.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import grimp

Arrows = dict[str, set[str]]


def main() -> None:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    sys.path.insert(0, str(root))
    graph = grimp.build_graph("app", cache_dir=None)
    print(f"{'':12}{'lines':>8}{'modules':>9}{'rooms':>7}{'arrows':>8}{'floors':>8}")
    for package in ("app", "app.metrics"):
        rooms = arrows_between_rooms(graph, package)
        shape = [lines(root, package), len(modules(graph, package)), len(rooms)]
        print(f"{package:12}{shape[0]:8}{shape[1]:9}{shape[2]:7}{count(rooms):8}{floors(rooms):8}")
    single = arrows_between_modules(graph)
    print(f"modules, each for itself: {count(single)} arrows on {floors(single)} floors")


def lines(root: Path, package: str) -> int:
    files = root.joinpath(*package.split(".")).rglob("*.py")
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)


def modules(graph: grimp.ImportGraph, package: str) -> set[str]:
    return {package, *graph.find_descendants(package)}


def arrows_between_rooms(graph: grimp.ImportGraph, package: str) -> Arrows:
    """A room is what stands directly in the package: a folder, or a module."""
    rooms = graph.find_children(package)
    return {
        room: {
            other
            for other in rooms - {room}
            if graph.direct_import_exists(importer=room, imported=other, as_packages=True)
        }
        for room in rooms
    }


def arrows_between_modules(graph: grimp.ImportGraph) -> Arrows:
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def count(arrows: Arrows) -> int:
    return sum(map(len, arrows.values()))


def floors(arrows: Arrows) -> int:
    """Taken away from below: what rests on nothing that is left, or a circle that rests on nothing else."""
    left, number = dict(arrows), 0
    while left:
        lowest = {room for room in left if reached(room, left) <= circle(room, left)}
        left = {room: below - lowest for room, below in left.items() if room not in lowest}
        number += 1
    return number


def circle(room: str, arrows: Arrows) -> set[str]:
    return {room} | {other for other in reached(room, arrows) if room in reached(other, arrows)}


def reached(room: str, arrows: Arrows) -> set[str]:
    return set(_reached(room, arrows, set()))


def _reached(room: str, arrows: Arrows, seen: set[str]) -> Iterator[str]:
    for below in arrows[room] - seen:
        if below not in seen:
            seen.add(below)
            yield below
            yield from _reached(below, arrows, seen)


if __name__ == "__main__":
    main()

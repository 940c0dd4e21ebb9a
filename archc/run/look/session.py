"""All that was asked for of a trained network, as an album of grids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

from archc.escaping import visible
from archc.network.graph import Layer
from archc.run.evaluate.session import prepared
from archc.run.look import kernels, maps
from archc.run.look.album import About, Album, Grid
from archc.run.look.answers import Answers
from archc.run.look.layered import Layered, check, layered
from archc.run.look.pictures import Pictures, Shown
from archc.run.look.reasons import Reasons
from archc.run.look.units import Unit, named
from archc.run.predict import assumed, names_of, steps_for
from archc.run.subject import Subject
from archc.run.train import checks
from archc.run.train.data import Data, Wanted, load
from archc.run.train.errors import CannotTrain
from archc.run.train.world import place_of

Method = Literal[
    "kernels", "maps", "strongest", "deconv", "occlusion", "gradient", "gradcam"
]
METHODS: tuple[Method, ...] = get_args(Method)
_OF_IMAGES: frozenset[Method] = frozenset({"maps", "occlusion", "gradient", "gradcam"})
_BY_CAPTUM: frozenset[Method] = frozenset(
    {"deconv", "occlusion", "gradient", "gradcam"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to look at."""

    images: tuple[Path, ...] = ()
    wanted: Wanted | None = None
    """The data set whose test images are searched."""
    units: tuple[str, ...] = ()
    """`LAYER:CHANNEL`, or `LAYER` for all of a layer."""
    methods: tuple[Method, ...] = ()
    """Empty for all that images and data allow."""
    whole: bool = False
    """Whether all layers are shown, and not one of each kind."""
    device: str = "cpu"


def look(subject: Subject, request: Request) -> Album:
    """What a network with its weights has learned.

    Raises:
        CannotTrain: if something is missing for a method, or there is no such unit.
        BrokenModule, BadWeights: as `Subject.module` does.
    """
    notes: list[str] = []
    methods = _methods(request, notes)
    place = place_of(request.device)
    whole = layered(subject, place)
    if subject.input_shape[0] not in (1, 3) and (request.images or request.wanted):
        raise CannotTrain(
            f"{subject.label} reads {subject.input_shape[0]} channels: images have 1"
            " or 3"
        )
    chosen = [named(subject, name) for name in request.units]
    _check_named(chosen, request.methods, whole)
    data = _data(subject, request) if request.wanted else None
    steps = steps_for(subject) if data is None else prepared(subject, data)
    pictures = Pictures(steps, place, data)
    shown = [pictures.of_file(path) for path in request.images]
    if shown or data is not None:
        check(subject, whole, shown[0].x if shown else pictures.read([0]))
    grids: list[Grid] = []
    if "kernels" in methods:
        grids += _kernels(subject, whole, chosen, request.whole)
    if "maps" in methods:
        named_maps = dict.fromkeys(layer for layer, _ in chosen if maps.is_map(layer))
        usual = maps.steps if request.whole else maps.stages
        layers = list(named_maps) or usual(whole)
        for each in shown:
            grids += maps.all_maps(layers, whole, each.x, each.name)
    answers = Answers(subject, whole, pictures, chosen)
    if data is not None and {"strongest", "deconv"} & {*methods}:
        grids += answers.of_data("strongest" in methods, "deconv" in methods)
    if "deconv" in methods:
        for each in shown:
            grids += answers.of_image(each)
    if shown and {"occlusion", "gradient", "gradcam"} & {*methods}:
        grids += _reasons(subject, whole, chosen, methods, shown, data, notes)
    if not grids:
        raise CannotTrain(_nothing(subject, request, methods, notes))
    note = assumed(subject) if data is None and shown else None
    notes += [note] if note else []
    weights = subject.weights
    source = weights.weights.source if weights else "as initialised"
    network = subject.network
    title = network.spec.title or network.name
    about = _about(subject)
    return Album(subject.label, title, source, about, tuple(grids), notes)


def _nothing(
    subject: Subject, request: Request, methods: Sequence[str], notes: Sequence[str]
) -> str:
    """Why there is nothing to show."""
    if notes:
        return notes[-1]
    if request.images or request.wanted:
        return f"{subject.label} has nothing to show by {', '.join(methods)}"
    return (
        f"{subject.label} has nothing to show so: --image FILE or --data NAME gives"
        " it something to see"
    )


def _methods(request: Request, notes: list[str]) -> tuple[Method, ...]:
    """Those that were asked for, or all that can be had."""
    for method in request.methods:
        if method in _OF_IMAGES and not request.images:
            raise CannotTrain(f"--method {method} needs an --image")
        if method == "strongest" and request.wanted is None:
            raise CannotTrain("--method strongest needs --data")
        if method == "deconv" and not (request.images or request.wanted):
            raise CannotTrain("--method deconv needs an --image or --data")
    captum = find_spec("captum") is not None
    lacking = [m for m in METHODS if m in _BY_CAPTUM and not captum]
    asked = [method for method in lacking if method in request.methods]
    install = "pip install 'archc-compiler[look]'"
    if asked:
        raise CannotTrain(f"--method {asked[0]} needs captum: {install}")
    if request.methods:
        return tuple(m for m in METHODS if m in request.methods)
    found = ["kernels"]
    if request.images:
        found += ["deconv", *_OF_IMAGES]
    if request.wanted is not None:
        found += ["strongest", "deconv"]
    if any(method in lacking for method in found):
        notes.append(f"without captum there is no {', '.join(lacking)}: {install}")
    return tuple(m for m in METHODS if m in found and m not in lacking)


def _data(subject: Subject, request: Request) -> Data:
    assert request.wanted is not None
    (output, *_) = subject.network.outputs.values()
    assert output.shape is not None
    classes = output.shape.sizes[0] if len(output.shape.dims) == 1 else 2
    data = load(request.wanted, subject.input_shape, classes)
    if not len(data.test):
        raise CannotTrain(f"{request.wanted.name} has no images to search")
    return data


def _check_named(
    chosen: Sequence[tuple[Layer, int | None]],
    asked: Sequence[Method],
    whole: Layered,
) -> None:
    """Raises CannotTrain for a layer of which no method that is asked for shows any."""
    if not asked or not {*asked} <= {"kernels", "maps"}:
        return
    for layer, _ in chosen:
        shown = "kernels" in asked and kernels.has_kernels(layer, whole)
        if not shown and not ("maps" in asked and maps.is_map(layer)):
            raise CannotTrain(f"{layer.path} has no {' and no '.join(asked)} to show")


def _kernels(
    subject: Subject,
    whole: Layered,
    chosen: Sequence[tuple[Layer, int | None]],
    every: bool,
) -> list[Grid]:
    """Of the layers that were named, else of those that read the image, or of all."""
    fitting = [x for x in subject.network.layers() if kernels.has_kernels(x, whole)]
    asked = [layer for layer, _ in chosen if layer in fitting]
    first = [x for x in fitting if kernels.reads_image(x, whole)]
    usual = first or fitting[:1]
    found = list(dict.fromkeys(asked)) or (fitting if every else usual)
    return [kernels.kernels(layer, whole) for layer in found]


def _reasons(
    subject: Subject,
    whole: Layered,
    chosen: Sequence[tuple[Layer, int | None]],
    methods: Sequence[Method],
    shown: Sequence[Shown],
    data: Data | None,
    notes: list[str],
) -> list[Grid]:
    """Occlusion, gradient and Grad-CAM, of the class and of the units by number;
    a note where there is neither."""
    units = [Unit(layer, n) for layer, n in chosen if n is not None]
    names: tuple[str, ...] = ()
    try:
        count = checks.outputs(subject, "look")
    except CannotTrain:
        if not units:
            notes.append(
                f"{subject.label} has no classes that occlusion, gradient and Grad-CAM"
                " could be for: --unit LAYER:CHANNEL names a unit"
            )
            return []
    else:
        names = names_of(subject, count)
        told = subject.weights is not None and subject.weights.weights.classes
        if data is not None and not told and len(data.names) == count:
            names = data.names
    reasons = Reasons(whole, units, names)
    grids: list[Grid] = []
    for each in shown:
        if "occlusion" in methods:
            grids.append(reasons.occlusion(each))
        if "gradient" in methods:
            grids.append(reasons.gradient(each))
        if "gradcam" in methods and names:
            made = reasons.gradcam(each)
            grids += [made] if made else []
    if "gradcam" in methods and not any(grid.method == "gradcam" for grid in grids):
        notes.append("there is no Grad-CAM: no convolution gives maps to a class")
    return grids


def _about(subject: Subject) -> tuple[About, ...]:
    facts = subject.facts.layers
    return tuple(
        About(
            visible(layer.path),
            layer.op.op,
            str(layer.output_shape()),
            facts[layer].params,
        )
        for layer in subject.network.layers()
    )

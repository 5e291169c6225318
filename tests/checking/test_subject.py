from tests.checking import faults
from torch import nn

from preimage.checking.subject import Subject
from preimage.preprocessing import Preprocessing


def test_photos_and_noise_have_the_size_of_the_subject() -> None:
    subject = Subject(faults.layer(faults.built(faults.Fault)), (16, 24))
    assert subject.photos.shape[1:] == (3, 16, 24)
    assert subject.start.shape == (1, 3, 16, 24)
    assert len(subject.codes) == len(subject.photos)


def test_other_numbers_of_channels_see_mixtures_of_the_colors() -> None:
    bands = Preprocessing(mean=(0.0,) * 5, std=(255.0,))
    network = nn.Sequential(nn.Conv2d(5, 4, 3))
    photos = Subject(faults.layer(network, "0", bands), (8, 12)).photos
    assert photos.shape[1:] == (5, 8, 12)
    assert float(photos.min()) >= 0
    assert float(photos.max()) <= 255.01
    assert float((photos[0, 0] - photos[0, 1]).abs().max()) > 1

import torch
from tests.checking import faults

from preimage.checking.subject import Subject, difference


def test_photos_and_noise_have_the_size_of_the_subject() -> None:
    subject = Subject(faults.layer(faults.built(faults.Fault)), (16, 24))
    assert subject.photos.shape[1:] == (3, 16, 24)
    assert subject.start.shape == (1, 3, 16, 24)
    assert len(subject.codes) == len(subject.photos)


def test_the_difference_is_relative() -> None:
    assert difference(torch.tensor([3.0, 4.0]), torch.tensor([3.0, 4.0])) == 0
    assert difference(torch.tensor([0.0, 4.0]), torch.tensor([3.0, 4.0])) == 0.6
    assert difference(torch.zeros(2), torch.zeros(2)) == 0

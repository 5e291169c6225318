from __future__ import annotations

from torch import nn

from preimage.main_modules import main_modules


def _block() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU())


def test_a_chain_of_blocks_is_listed_by_its_blocks_and_another_child_as_a_whole() -> None:
    blocks = nn.Sequential(_block(), _block())
    network = nn.ModuleDict({"stem": nn.Conv2d(3, 3, 1), "blocks": blocks})
    assert list(main_modules(network, {})) == ["stem", "blocks.0", "blocks.1"]


def test_a_child_that_holds_one_chain_of_blocks_is_replaced_by_what_it_holds() -> None:
    tower = nn.ModuleDict({"norm": nn.ReLU(), "blocks": nn.Sequential(_block(), _block())})
    listed = list(main_modules(nn.ModuleDict({"tower": tower, "head": nn.ReLU()}), {}))
    assert listed == ["tower.norm", "tower.blocks.0", "tower.blocks.1", "head"]


def test_a_child_of_two_chains_is_listed_as_a_whole_if_it_returns_a_tensor() -> None:
    chains = {name: nn.Sequential(_block(), _block()) for name in ("left", "right")}
    network = nn.ModuleDict({"pair": nn.ModuleDict(chains)})
    assert list(main_modules(network, {"pair": ["pair"]})) == ["pair"]
    blocks = ["pair.left.0", "pair.left.1", "pair.right.0", "pair.right.1"]
    assert list(main_modules(network, {"pair": []})) == blocks


def test_dropout_is_not_listed_since_it_changes_nothing() -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Dropout2d(), nn.ReLU(), nn.Dropout())
    assert list(main_modules(network, {})) == ["0", "2"]

"""Shared by all tests: a seeded generator, few threads."""

import pytest
import torch

torch.set_num_threads(2)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(11)

"""Shapes, ranges and the rolling window."""

import pytest
import torch

from blinkd_models.network import CHANNELS, Architecture, Decode


def _parameters(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_published_shape_has_the_published_number_of_parameters() -> None:
    model = Decode(Architecture(features=48, activation="elu", z=True))
    assert _parameters(model.frame) == 1_027_008
    assert _parameters(model.context.unet) == 1_088_784
    assert _parameters(model.context.heads) == 83_626


@pytest.mark.parametrize("z", [False, True])
def test_ten_channels_stay_within_their_ranges(z: bool) -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        output = Decode(Architecture(features=8, z=z))(torch.randn(2, 3, 24, 32) * 50.0)
    assert output.shape == (2, len(CHANNELS), 24, 32)
    p, photons, background = output[:, 0], output[:, 1], output[:, 9]
    assert float(p.min()) >= 3.3e-4
    assert float(p.max()) <= 0.99967
    for channel in (photons, background):
        assert 0.0 <= float(channel.min()) <= float(channel.max()) <= 1.0
    assert float(output[:, 2:5].abs().max()) <= 1.0
    assert 0.001 <= float(output[:, 5:9].min()) <= float(output[:, 5:9].max()) <= 3.001 + 1e-6
    if not z:
        assert bool((output[:, 4] == 0.0).all())
        assert torch.allclose(output[:, 8], torch.tensor(0.1))


def test_rolling_windows_equal_single_windows_with_repeated_ends() -> None:
    torch.manual_seed(0)
    model = Decode(Architecture(features=8))
    frames = torch.randn(2, 5, 16, 16)
    with torch.no_grad():
        rolled = model.windows(frames, first=0, last=5).view(2, 5, 10, 16, 16)
        for sequence in range(2):
            for i in range(5):
                window = frames[sequence, [max(i - 1, 0), i, min(i + 1, 4)]]
                assert torch.allclose(model(window[None])[0], rolled[sequence, i], atol=1e-5)


def test_frames_that_stand_alone_are_their_own_neighbours() -> None:
    torch.manual_seed(0)
    model = Decode(Architecture(features=8))
    frames = torch.randn(1, 3, 16, 16)
    with torch.no_grad():
        alone = model.windows(frames, first=0, last=3, alone=True)
        expected = model(frames[0][:, None].expand(-1, 3, -1, -1))
    assert torch.allclose(alone, expected, atol=1e-5)

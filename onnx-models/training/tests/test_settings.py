"""Settings: presets, files with every problem at once, the learning rate they describe."""

from pathlib import Path

import pytest
import torch

from blinkd_models import cli, schedule, settings_file
from blinkd_models.device import place
from blinkd_models.network import Architecture, Decode
from blinkd_models.settings import PRESETS, Settings, SettingsError, plain
from blinkd_models.verbs.train import chosen


def _built(*names: str) -> Settings:
    return settings_file.build(settings_file.merge(*map(settings_file.preset, names)), source="test")


def test_the_lite_preset_is_the_defaults() -> None:
    assert _built("lite") == Settings()


def test_the_published_preset_is_decode_of_the_paper() -> None:
    settings = _built("published")
    model = Decode(settings.architecture)
    counts = [sum(p.numel() for p in m.parameters()) for m in (model.frame, model.context.unet, model.context.heads)]
    assert counts == [1_027_008, 1_088_784, 83_626]
    assert settings.windows == 64
    assert (settings.clip_norm, settings.learning_rate, settings.localization_per_emitter) == (0.03, 6e-4, True)
    rates = [schedule.learning_rate(settings, step=step, spent=0.5) for step in (0, 1499, 1500, 3000)]
    assert rates == pytest.approx([6e-4, 6e-4, 5.4e-4, 4.86e-4])


def test_presets_combine() -> None:
    settings = _built("published", "astigmatic")
    assert settings.architecture == Architecture(features=48, activation="elu", z=True)
    assert settings.ranges.z_nm == (-600.0, 600.0)
    assert settings.scales.z_nm == 720.0


def test_the_cosine_follows_the_fraction_of_the_budget() -> None:
    settings = Settings(minutes=10.0, warmup_steps=1)
    spent = [schedule.fraction(settings, step=5, elapsed_s=elapsed) for elapsed in (300.0, 600.0, 900.0)]
    assert spent == [0.5, 1.0, 1.0]
    rates = [schedule.learning_rate(settings, step=5, spent=part) for part in spent[:2]]
    assert rates == pytest.approx([(2e-3 + 3e-5) / 2, 3e-5])
    assert schedule.fraction(Settings(steps=10), step=9, elapsed_s=0.0) == 0.9


def test_a_file_says_every_problem_at_once(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'presets = ["astigmatic"]\nminutes = "long"\nspeed = 3\nprecision = "fp8"\n'
        "[architecture]\nfeatures = 4.5\n[ranges]\nphotons = [5.0]\n[camera]\n"
    )
    with pytest.raises(SettingsError) as caught:
        settings_file.build(settings_file.read(path), source=str(path))
    assert caught.value.problems == [
        "there is no setting speed",
        "there is no setting camera",
        "architecture.features is 4.5; it must be a whole number",
        "ranges.photons has 1 values; it must have 2",
        "minutes is 'long'; it must be a finite number",
        "precision is 'fp8'; it must be one of fp32, bf16, fp16",
    ]
    assert str(caught.value).startswith(str(path))


def test_values_that_contradict_each_other_are_all_named() -> None:
    with pytest.raises(SettingsError) as caught:
        settings_file.build(
            {"minutes": 0, "crop_px": 42, "teacher": "x", "ranges": {"photons": [9, 1]}, "frames": 1}, source="test"
        )
    assert [problem.split(" ")[0] for problem in caught.value.problems] == [
        "minutes", "frames", "crop_px", "teacher", "ranges.photons",
    ]  # fmt: skip


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_what_is_written_reads_back_the_same(name: str, tmp_path: Path) -> None:
    settings = settings_file.build(
        settings_file.merge(settings_file.preset(name), {"steps": 7, "init": 'C:\\a "b"'}), source="test"
    )
    path = tmp_path / settings_file.NAME
    path.write_text(settings_file.text(settings), encoding="utf-8")
    assert settings_file.build(settings_file.read(path), source="file") == settings
    assert not settings_file.differences(plain(settings), settings_file.read(path))


def test_unknown_presets_and_missing_or_broken_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there are lite, published, astigmatic"):
        settings_file.over_presets({"presets": ["fast"]}, source="test")
    with pytest.raises(SettingsError, match="no such file"):
        settings_file.read(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("minutes =")
    with pytest.raises(SettingsError, match="not TOML"):
        settings_file.read(tmp_path / "bad.toml")


def test_options_win_over_the_file_and_the_file_over_presets(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("minutes = 3\nseed = 4\n[architecture]\nfeatures = 8\n")
    line = ["train", "--run", str(tmp_path), "--preset", "published", "--settings", str(path), "--seed", "9"]
    settings = chosen(cli.parser().parse_args(line))
    assert (settings.minutes, settings.seed, settings.learning_rate) == (3.0, 9, 6e-4)
    assert settings.architecture == Architecture(features=8, activation="elu")


def test_a_gpu_that_is_not_there_is_refused_in_words() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert place("auto", precision="bf16").device.type == "cpu"
    with pytest.raises(ValueError, match="device is cuda, but PyTorch sees no GPU; use --device cpu"):
        place("cuda", precision="fp16")

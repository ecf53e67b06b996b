"""The dock widget and its layers, as somebody uses them, without a screen."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from daemon_in_memory import FakeDaemon, FakeSeries, batch

pytest.importorskip("napari", reason="SKIPPED: napari is missing; pip install 'blinkd[napari]' 'napari[pyqt6]'")
from napari.components import ViewerModel
from qtpy.QtWidgets import QApplication

from blinkd.client.pictures import Rendering
from blinkd.client.scans import TileState
from blinkd.napari import follower as following
from blinkd.napari.tile_grid import COLOURS
from blinkd.napari.widget import LiveWidget

Until = Callable[..., None]


def series(name: str = "one", count: int = 2000, **more: Any) -> FakeSeries:
    return FakeSeries(name, batch(np.random.default_rng(2), count, side_px=128, frames=100), side_px=128, **more)


@pytest.fixture(scope="session")
def application() -> QApplication:
    return QApplication.instance() or QApplication([])


@pytest.fixture
def viewer(application: QApplication) -> ViewerModel:
    del application
    return ViewerModel()


@pytest.fixture
def open_widget(
    viewer: ViewerModel, monkeypatch: pytest.MonkeyPatch, until: Until
) -> Iterator[Callable[[FakeDaemon], LiveWidget]]:
    monkeypatch.setattr(following, "POLL_S", 0.02)
    monkeypatch.setattr(following, "RETRY_S", 0.02)
    made: list[LiveWidget] = []

    def start(daemon: FakeDaemon) -> LiveWidget:
        made.append(LiveWidget(viewer, connect=daemon.client))
        made[-1].controls.connect.click()
        return made[-1]

    yield start
    for widget in made:
        widget.close()
    until(no_thread_of_ours, what="no thread of ours is left")


def no_thread_of_ours() -> bool:
    return not [thread for thread in threading.enumerate() if thread.name.startswith("blinkd")]


def total(widget: LiveWidget) -> float:
    """Localizations in the finest level, as the layer has it; -1 while part of it is a coarser one, spread out."""
    picture = widget.layers.picture
    if picture is None:
        return -1.0
    counts = np.asarray(picture.data[0][:, :])
    return float(counts.sum()) if np.array_equal(counts, np.round(counts)) else -1.0


def test_connecting_shows_the_newest_series_in_um(
    open_widget: Callable[..., LiveWidget], viewer: ViewerModel, until: Until
) -> None:
    widget = open_widget(FakeDaemon(series("old"), series("new", 3000, start_unix_ns=2_000_000_000_000_000_000)))
    until(lambda: total(widget) == 3000, what="3,000 localizations in the picture")
    picture = viewer.layers["new · picture"]
    assert picture.multiscale
    assert tuple(str(unit) for unit in picture.units) == ("micrometer", "micrometer")
    assert np.allclose(picture.extent.world, [[0.005, 0.005], [12.795, 12.795]]), "centres of the outermost pixels"
    assert viewer.canvas.overlays.scale_bar.visible
    assert widget.controls.series.count() == 2
    assert widget.controls.series.currentText().startswith("new")
    assert widget.controls.counts.text() == ("3,000 localizations, 100 of 100 frames, 50.0 frames per second.")
    assert "Connected" in widget.controls.state.text()


def test_a_daemon_elsewhere_is_given_token_and_certificate(viewer: ViewerModel, until: Until) -> None:
    daemon = FakeDaemon(series())
    widget = LiveWidget(viewer, connect=daemon.client)
    widget.controls.address.setText(" far:5767 ")
    widget.controls.token.setText("secret")
    widget.controls.certificate.setText("/keys/root.pem")
    assert widget.controls.token.echoMode() == widget.controls.token.EchoMode.Password
    widget.controls.address.returnPressed.emit()
    until(lambda: bool(daemon.clients), what="a client")
    assert daemon.reach == ("far:5767", "secret", "/keys/root.pem")
    widget.close()


def test_nobody_at_the_address_is_said_in_the_clients_words(viewer: ViewerModel, until: Until) -> None:
    widget = LiveWidget(viewer)
    widget.controls.address.setText("127.0.0.1:1")
    widget.controls.connect.click()
    until(lambda: "no daemon answers at 127.0.0.1:1" in widget.controls.state.text(), what="it says so")
    assert widget.controls.state.text().endswith("Trying again.")
    widget.close()


def test_the_picture_grows_and_its_contrast_follows_until_it_is_set_by_hand(
    open_widget: Callable[..., LiveWidget], viewer: ViewerModel, until: Until
) -> None:
    ours = series(count=500)
    widget = open_widget(FakeDaemon(ours))
    until(lambda: total(widget) == 500, what="500 localizations")
    picture = viewer.layers[0]
    before = picture.contrast_limits[1]
    crowd = batch(np.random.default_rng(4), 20_000, side_px=128, frames=100)
    ours.grow(crowd)
    until(lambda: total(widget) == 20_500, what="20,500 localizations")
    until(lambda: picture.contrast_limits[1] > before, what="the limits follow")
    picture.contrast_limits = (0.0, 0.3)
    assert not widget.controls.contrast.isChecked()
    ours.grow(crowd)
    until(lambda: total(widget) == 40_500, what="40,500 localizations")
    assert picture.contrast_limits == [0.0, 0.3]
    widget.controls.contrast.setChecked(True)
    until(lambda: picture.contrast_limits[1] != 0.3, what="the limits follow again")


def test_what_somebody_set_on_the_picture_stays_when_another_series_comes(
    open_widget: Callable[..., LiveWidget], viewer: ViewerModel, until: Until
) -> None:
    daemon = FakeDaemon(series("one"))
    widget = open_widget(daemon)
    until(lambda: total(widget) == 2000, what="the picture")
    viewer.layers[0].colormap = "gray"
    daemon.series.append(series("two", 700, start_unix_ns=2_000_000_000_000_000_000))
    until(lambda: viewer.layers[0].name == "two · picture", what="the newest")
    until(lambda: total(widget) == 700, what="its localizations")
    assert len(viewer.layers) == 1
    assert viewer.layers[0].colormap.name == "gray"


def test_the_picture_is_drawn_otherwise_in_the_same_layer(
    open_widget: Callable[..., LiveWidget], viewer: ViewerModel, until: Until
) -> None:
    daemon = FakeDaemon(series())
    widget = open_widget(daemon)
    until(lambda: total(widget) == 2000, what="the picture")
    assert ("tiles", Rendering.GAUSSIAN) in daemon.requests
    picture = viewer.layers[0]
    widget.controls.drawn_as.setCurrentText("counts")
    until(lambda: ("tiles", Rendering.HISTOGRAM) in daemon.requests, what="another picture")
    until(lambda: total(widget) == 2000, what="its tiles")
    assert list(viewer.layers) == [picture]


def test_a_series_chosen_from_the_list_is_kept(
    open_widget: Callable[..., LiveWidget], viewer: ViewerModel, until: Until
) -> None:
    daemon = FakeDaemon(series("one"), series("two", 700, start_unix_ns=1))
    widget = open_widget(daemon)
    until(lambda: widget.controls.series.count() == 2, what="the list")
    widget.controls.series.setCurrentIndex(1)
    widget.controls.series.activated.emit(1)
    assert not widget.controls.follow_newest.isChecked()
    until(lambda: total(widget) == 700, what="the chosen one")
    daemon.series.append(series("three", start_unix_ns=2_000_000_000_000_000_000))
    until(lambda: widget.controls.series.count() == 3, what="the list grows")
    assert widget.controls.series.currentText().startswith("two")
    widget.controls.follow_newest.setChecked(True)
    until(lambda: viewer.layers[0].name == "three · picture", what="the newest")


def test_a_layer_that_somebody_removed_stays_away(
    open_widget: Callable[..., LiveWidget], viewer: ViewerModel, until: Until
) -> None:
    ours = series()
    daemon = FakeDaemon(ours)
    widget = open_widget(daemon)
    until(lambda: total(widget) == 2000, what="the picture")
    viewer.layers.clear()
    ours.grow(batch(np.random.default_rng(9), 500, side_px=128, frames=100))
    until(lambda: widget.controls.counts.text().startswith("2,500"), what="the numbers go on")
    asked = len(daemon.requests)
    until(lambda: len(daemon.requests) > asked + 10, what="further requests")
    assert len(viewer.layers) == 0


def test_points_are_those_of_the_query_with_their_sizes_and_colours(
    open_widget: Callable[..., LiveWidget], viewer: ViewerModel, until: Until
) -> None:
    ours = series(count=1500)
    widget = open_widget(FakeDaemon(ours))
    until(lambda: total(widget) == 1500, what="the picture")
    widget.controls.show_points.click()
    until(lambda: "one · localizations" in viewer.layers, what="points")
    points = viewer.layers["one · localizations"]
    x_nm, y_nm = ours.positions_nm()
    assert np.allclose(points.data, np.column_stack((y_nm, x_nm)) / 1000)
    assert np.allclose(points.size, 2 * points.features["sigma_nm"] / 1000)
    assert widget.controls.points_note.text() == "1,500 localizations."
    by_z = points.face_color.copy()
    order = np.argsort(points.features["z_nm"].to_numpy())
    assert not np.allclose(by_z[order[0]], by_z[order[-1]])
    widget.controls.colour_by.setCurrentText("photons")
    assert not np.allclose(points.face_color, by_z)
    low, high = points.face_contrast_limits
    assert 500 < low < high < 3000


def test_only_points_of_the_view_are_asked_for_unless_all_are_wanted(
    open_widget: Callable[..., LiveWidget], viewer: ViewerModel, until: Until
) -> None:
    ours = series()
    widget = open_widget(FakeDaemon(ours))
    until(lambda: total(widget) == 2000, what="the picture")
    viewer.canvas.size = (400, 600)  # height, width
    viewer.scene.camera.zoom = 100.0  # screen pixels per µm
    viewer.scene.camera.center = (0.0, 3.0, 5.0)
    widget.controls.show_points.click()
    until(lambda: "one · localizations" in viewer.layers, what="points")
    x_nm, y_nm = ours.positions_nm()
    inside = (x_nm >= 2000) & (x_nm < 8000) & (y_nm >= 1000) & (y_nm < 5000)
    assert len(viewer.layers["one · localizations"].data) == inside.sum()
    widget.controls.whole.setChecked(True)
    widget.controls.show_points.click()
    until(lambda: widget.controls.points_note.text() == "2,000 localizations.", what="all of them")


def test_points_that_are_cut_are_said_to_be(
    open_widget: Callable[..., LiveWidget], viewer: ViewerModel, until: Until
) -> None:
    widget = open_widget(FakeDaemon(series()))
    until(lambda: total(widget) == 2000, what="the picture")
    widget.controls.most.setValue(100)
    widget.controls.first_frame.setValue(10)
    widget.controls.show_points.click()
    until(lambda: "one · localizations" in viewer.layers, what="points")
    assert len(viewer.layers["one · localizations"].data) == 100
    assert widget.controls.points_note.text().startswith("100 localizations; cut at 100 points, at frame 1")
    widget.controls.last_frame.setValue(9)
    widget.controls.show_points.click()
    until(lambda: widget.controls.points_note.text() == "0 localizations.", what="none in no frames")


def test_points_register_with_the_picture(
    open_widget: Callable[..., LiveWidget], viewer: ViewerModel, until: Until
) -> None:
    widget = open_widget(FakeDaemon(series(count=300)))
    until(lambda: total(widget) == 300, what="the picture")
    widget.controls.show_points.click()
    until(lambda: "one · localizations" in viewer.layers, what="points")
    picture = viewer.layers["one · picture"]
    counts = np.asarray(picture.data[0][:, :])
    points = viewer.layers["one · localizations"]
    at = np.array([picture.world_to_data(points.data_to_world(point)) for point in points.data])
    drawn = np.zeros_like(counts)
    np.add.at(drawn, tuple(np.round(at).astype(int).T), 1)
    # float32 positions on an edge may be rounded to either side
    assert np.abs(drawn - counts).sum() <= 2
    shifted = np.zeros_like(counts)
    np.add.at(shifted, tuple(np.floor(at).astype(int).clip(0).T), 1)
    assert np.abs(shifted - counts).sum() > 100, "half a pixel aside is seen by this test"


def scan() -> FakeSeries:
    corners = {index: (12_800.0 * (index % 2), 12_800.0 * (index // 2)) for index in range(4)}
    return series("scan", corners_nm=corners)


def test_tiles_of_a_scan_are_rectangles_that_change_colour(
    open_widget: Callable[..., LiveWidget], viewer: ViewerModel, until: Until
) -> None:
    ours = scan()
    ours.states = {3: TileState.PLANNED}
    widget = open_widget(FakeDaemon(ours))
    until(lambda: "scan · picture" in viewer.layers, what="the picture")
    widget.controls.tiles.setChecked(True)
    until(lambda: "scan · tiles" in viewer.layers, what="the tiles")
    tiles = viewer.layers["scan · tiles"]
    assert len(tiles.data) == 4
    assert np.allclose(tiles.data[3], [[12.8, 12.8], [12.8, 25.6], [25.6, 25.6], [25.6, 12.8]])
    assert np.allclose(tiles.extent.world, [[0, 0], [25.6, 25.6]])
    assert list(tiles.text.values) == ["0, 0", "0, 1", "1, 0", "1, 1"]
    assert widget.controls.tiles_note.text() == "4 tiles: 4 done"

    def colour(index: int) -> str:
        return "#" + "".join(f"{round(255 * float(part)):02x}" for part in tiles.edge_color[index][:3])

    assert [colour(index) for index in (0, 3)] == [COLOURS["done"], COLOURS["planned"]]
    ours.states = {3: TileState.ACQUIRING}
    until(lambda: colour(3) == COLOURS["acquiring"], what="the colour changes")
    assert viewer.layers["scan · tiles"] is tiles
    ours.corners_nm[3] = (12_810.0, 12_800.0)
    ours.states = {3: TileState.DONE}
    until(lambda: colour(3) == COLOURS["done"], what="a tile a hair aside is not drawn anew")
    assert np.allclose(tiles.data[3][0], [12.8, 12.8])
    ours.corners_nm[3] = (13_800.0, 12_800.0)
    until(lambda: np.allclose(tiles.data[3][0], [12.8, 13.8]), what="one further aside is")
    assert colour(3) == COLOURS["done"]
    widget.controls.tiles.setChecked(False)
    until(lambda: "scan · tiles" not in viewer.layers, what="the tiles go")


def test_tiles_of_a_series_that_is_no_scan_are_said_to_be_none(
    open_widget: Callable[..., LiveWidget], until: Until
) -> None:
    widget = open_widget(FakeDaemon(series()))
    widget.controls.tiles.setChecked(True)
    until(lambda: widget.controls.tiles_note.text() == "This series is no scan.", what="it says so")


def test_a_lost_daemon_is_said_in_words_and_found_again(open_widget: Callable[..., LiveWidget], until: Until) -> None:
    ours = series()
    daemon = FakeDaemon(ours)
    widget = open_widget(daemon)
    until(lambda: total(widget) == 2000, what="the picture")
    daemon.down = True
    until(lambda: "Not connected: connection refused" in widget.controls.state.text(), what="it says so")
    assert total(widget) == 2000, "what was there stays"
    ours.grow(batch(np.random.default_rng(9), 500, side_px=128, frames=100))
    daemon.down = False
    until(lambda: "Connected" in widget.controls.state.text(), what="connected again")
    until(lambda: total(widget) == 2500, what="it has caught up")


def test_disconnecting_ends_the_thread_and_keeps_the_layers(
    open_widget: Callable[..., LiveWidget], viewer: ViewerModel, until: Until
) -> None:
    widget = open_widget(FakeDaemon(series()))
    until(lambda: total(widget) == 2000, what="the picture")
    widget.controls.connect.click()
    assert no_thread_of_ours()
    assert widget.controls.state.text() == "Not connected."
    assert len(viewer.layers) == 1
    widget.controls.show_points.click()
    assert widget.controls.points_note.text() == "Connect to a daemon first."


def test_closing_the_widget_leaves_no_thread_even_while_a_request_hangs(
    open_widget: Callable[..., LiveWidget], until: Until
) -> None:
    daemon = FakeDaemon(series())
    widget = open_widget(daemon)
    until(lambda: total(widget) == 2000, what="the picture")
    daemon.hanging = threading.Event()
    asked = len(daemon.requests)
    until(lambda: len(daemon.requests) > asked, what="a request that hangs")
    widget.close()
    assert no_thread_of_ours()


def test_a_widget_that_is_forgotten_leaves_no_thread(viewer: ViewerModel, until: Until) -> None:
    widget = LiveWidget(viewer, connect=FakeDaemon(series()).client)
    widget.connect_daemon()
    assert not no_thread_of_ours()
    widget.deleteLater()
    del widget

    def gone() -> bool:
        gc.collect()
        return no_thread_of_ours()

    until(gone, what="no thread of ours is left")

"""The dock widget: whom to ask, which series, what to show.

Comes in: what somebody clicks, news from the follower. Goes out: wishes, layers, and in words what goes on. Never: a
request in this thread; a follower that outlives the widget.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import napari
from qtpy.QtCore import QEvent, QSignalBlocker
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QWidget

from blinkd import Client
from blinkd.client.acquisitions import Acquisition
from blinkd.napari import news
from blinkd.napari.controls import DRAWN_AS, Controls
from blinkd.napari.follower import Follower, Wishes
from blinkd.napari.layers import SeriesLayers
from blinkd.napari.localizations import PointsWish
from blinkd.napari.mailbox import Mailbox
from blinkd.napari.view import visible_region
from blinkd.napari.words import counts_in_words, series_in_words

Connect = Callable[[str, "str | None", "str | None"], Any]
"""Makes a client from an address, a token and a certificate's file."""


def connect_client(address: str, token: str | None, certificate: str | None) -> Client:
    """The client that the follower asks with."""
    return Client(address, token=token, root_certificates=certificate)


class LiveWidget(QWidget):
    """A blinkd daemon in napari."""

    def __init__(self, napari_viewer: napari.Viewer, *, connect: Connect = connect_client) -> None:
        super().__init__()
        self._viewer, self._connect = napari_viewer, connect
        self.controls = Controls(self)
        self.layers = SeriesLayers(napari_viewer, on_contrast_set=lambda: self.controls.contrast.setChecked(False))
        self._mailbox = Mailbox()
        self._mailbox.arrived.connect(self._read_news)
        self._followed_by = _Followed()
        # Whichever comes first: Qt deletes the widget with its window, or Python collects it.
        self.destroyed.connect(self._followed_by.end)
        weakref.finalize(self, self._followed_by.end)
        self._wire()

    def _wire(self) -> None:
        ours = self.controls
        ours.connect.clicked.connect(self._connect_or_not)
        ours.address.returnPressed.connect(self.connect_daemon)
        ours.token.returnPressed.connect(self.connect_daemon)
        ours.series.activated.connect(self._choose)
        ours.follow_newest.toggled.connect(self._wish_series)
        ours.live.toggled.connect(lambda on: self._wish(live=on))
        ours.tiles.toggled.connect(self._wish_tiles)
        ours.drawn_as.currentTextChanged.connect(lambda text: self._wish(rendering=DRAWN_AS[text]))
        ours.contrast.toggled.connect(self._follow_contrast)
        ours.colour_by.currentTextChanged.connect(self.layers.colour_points)
        ours.show_points.clicked.connect(self.ask_for_points)

    # Wishes

    def connect_daemon(self) -> None:
        """Follows the daemon at the address."""
        self.disconnect_daemon()
        ours, connect = self.controls, self._connect
        address = ours.address.text().strip()
        token, certificate = ours.token.text() or None, ours.certificate.text().strip() or None
        wishes = Wishes(
            series_id=self._wanted_series(),
            rendering=DRAWN_AS[self.controls.drawn_as.currentText()],
            live=self.controls.live.isChecked(),
            tile_grid=self.controls.tiles.isChecked(),
        )
        self.controls.state.setText(f"Connecting to {address} …")
        self.controls.connect.setText("Disconnect")
        self._followed_by.follower = Follower(
            lambda: connect(address, token, certificate), self._mailbox.put, address=address, wishes=wishes
        )

    def disconnect_daemon(self) -> None:
        """Ends following; layers stay."""
        if self._followed_by.end():
            self._mailbox.take()
            self.controls.state.setText("Not connected.")
        self.controls.connect.setText("Connect")

    def _connect_or_not(self) -> None:
        if self._followed_by.follower is None:
            self.connect_daemon()
        else:
            self.disconnect_daemon()

    def _wish(self, **changes: Any) -> None:
        if self._followed_by.follower is not None:
            self._followed_by.follower.wish(**changes)

    def _wanted_series(self) -> bytes | None:
        if self.controls.follow_newest.isChecked():
            return None
        chosen: bytes | None = self.controls.series.currentData()
        return chosen

    def _wish_series(self) -> None:
        self._wish(series_id=self._wanted_series())

    def _choose(self) -> None:
        """A series chosen by hand is kept, whatever comes after it."""
        with QSignalBlocker(self.controls.follow_newest):
            self.controls.follow_newest.setChecked(False)
        self._wish_series()

    def _wish_tiles(self, on: bool) -> None:
        self._wish(tile_grid=on)
        if not on:
            self._show_grid(None)

    def _follow_contrast(self, on: bool) -> None:
        self.layers.follow_contrast = on
        self.layers.redraw()

    def ask_for_points(self) -> None:
        """The localizations of the view, or of everything."""
        ours = self.controls
        if self._followed_by.follower is None:
            ours.points_note.setText("Connect to a daemon first.")
            return
        last = ours.last_frame.value()
        wish = PointsWish(
            region=None if ours.whole.isChecked() else visible_region(self._viewer),
            first_frame=ours.first_frame.value(),
            last_frame=None if last < 0 else last,
            most=ours.most.value(),
        )
        ours.points_note.setText("Asking …")
        self._wish(points=wish)

    # News

    def _read_news(self) -> None:
        for told in self._mailbox.take():
            match told:
                case news.Connected():
                    self.controls.state.setText(f"Connected to {told.address}, blinkd {told.version}.")
                case news.Lost():
                    self.controls.state.setText(told.text)
                case news.Listed():
                    self._show_list(told.acquisitions, told.followed)
                case news.PictureLaidOut():
                    self.layers.lay_out(told.series_id, told.name, told.mosaic)
                case news.PictureChanged():
                    self.layers.redraw()
                case news.GridChanged():
                    self._show_grid(told)
                case news.PointsFound():
                    self._show_points(told)
                case news.PointsFailed():
                    self.controls.points_note.setText(told.text)

    def _show_list(self, acquisitions: Sequence[Acquisition], followed: Acquisition | None) -> None:
        series = self.controls.series
        with QSignalBlocker(series):
            shown = [(series.itemText(row), series.itemData(row)) for row in range(series.count())]
            listed = [(series_in_words(one), one.series_id) for one in acquisitions]
            if shown != listed:
                chosen = series.currentData()
                series.clear()
                for text, series_id in listed:
                    series.addItem(text, series_id)
                self._select(chosen)
            if followed is not None:
                self._select(followed.series_id)
        self.controls.counts.setText(counts_in_words(followed, bool(acquisitions)))

    def _select(self, series_id: bytes | None) -> None:
        for row in range(self.controls.series.count()):
            if self.controls.series.itemData(row) == series_id:
                self.controls.series.setCurrentIndex(row)

    def _show_grid(self, told: news.GridChanged | None) -> None:
        grid = told.grid if told is not None and self.controls.tiles.isChecked() else None
        self.layers.show_grid(grid)
        if grid is not None:
            self.controls.tiles_note.setText(grid.note)
        else:
            self.controls.tiles_note.setText("" if told is None else "This series is no scan.")

    def _show_points(self, told: news.PointsFound) -> None:
        found = told.found
        self.layers.show_points(found, colour_by=self.controls.colour_by.currentText())
        count = len(found.positions_um)
        self.controls.points_note.setText(f"{count:,} localizations" + (f"; {found.note}" if found.note else "."))

    # The end

    def event(self, event: QEvent | None) -> bool:
        """Ends following when the widget is taken out of its dock: napari keeps such a widget for some time."""
        if event is not None and event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.disconnect_daemon()
        return bool(super().event(event))

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802  Qt's own name
        """Ends following."""
        self.disconnect_daemon()
        super().closeEvent(event)


class _Followed:
    """Holds the follower apart from the widget, so that it can be ended when the widget is gone."""

    def __init__(self) -> None:
        self.follower: Follower | None = None

    def end(self, *_: object) -> bool:
        """Whether there was one to end."""
        follower, self.follower = self.follower, None
        if follower is None:
            return False
        follower.close()
        return True

"""The form of the dock widget: fields, units, limits, and where its sentences stand.

Comes in: nothing. Goes out: Qt's widgets by name. Never: what happens when one is used.
"""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from blinkd.client.pictures import Rendering
from blinkd.napari.localizations import COLOUR_BY, MOST_POINTS, PointsWish

DEFAULT_ADDRESS = "127.0.0.1:5767"
LAST_FRAME = 2**31 - 1
DRAWN_AS = {"Gaussians of their σ": Rendering.GAUSSIAN, "counts": Rendering.HISTOGRAM}


class Controls:
    """Fields in a column, laid into `parent`."""

    def __init__(self, parent: QWidget) -> None:
        column = QVBoxLayout(parent)
        for title, build in (
            ("Daemon", self._daemon),
            ("Series", self._series),
            ("Picture", self._picture),
            ("Localizations", self._points),
        ):
            box = QGroupBox(title)
            form = QFormLayout(box)
            form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
            build(form)
            column.addWidget(box)
        column.addStretch()
        parent.setMinimumWidth(300)

    def _daemon(self, form: QFormLayout) -> None:
        self.address = QLineEdit(DEFAULT_ADDRESS)
        self.address.setToolTip("host:port of `blinkd serve`")
        self.token = QLineEdit()
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self.token.setPlaceholderText("none is needed on this machine")
        self.certificate = QLineEdit()
        self.certificate.setPlaceholderText("PEM file; none is needed on this machine")
        self.connect = QPushButton("Connect")
        self.state = _sentence("Not connected.")
        form.addRow("Address", self.address)
        form.addRow("Token", self.token)
        form.addRow("Certificate", self.certificate)
        form.addRow(self.connect)
        form.addRow(self.state)

    def _series(self, form: QFormLayout) -> None:
        self.series = QComboBox()
        self.series.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.series.setMinimumContentsLength(16)
        self.follow_newest = QCheckBox("Follow the newest")
        self.follow_newest.setChecked(True)
        self.live = QCheckBox("Live")
        self.live.setChecked(True)
        self.live.setToolTip("Off: the picture and the tiles stay as they are")
        both = QHBoxLayout()
        both.addWidget(self.follow_newest)
        both.addWidget(self.live)
        self.counts = _sentence("")
        form.addRow(self.series)
        form.addRow(both)
        form.addRow(self.counts)

    def _picture(self, form: QFormLayout) -> None:
        self.drawn_as = QComboBox()
        self.drawn_as.addItems(list(DRAWN_AS))
        self.contrast = QCheckBox("Contrast follows the data")
        self.contrast.setChecked(True)
        self.tiles = QCheckBox("Tiles of a scan")
        self.tiles_note = _sentence("")
        form.addRow("Drawn as", self.drawn_as)
        form.addRow(self.contrast)
        form.addRow(self.tiles)
        form.addRow(self.tiles_note)

    def _points(self, form: QFormLayout) -> None:
        self.first_frame = _number(0, LAST_FRAME, 0)
        self.last_frame = _number(-1, LAST_FRAME, -1)
        self.last_frame.setSpecialValueText("the end")
        frames = QHBoxLayout()
        frames.addWidget(self.first_frame)
        frames.addWidget(QLabel("to"))
        frames.addWidget(self.last_frame)
        self.most = _number(1, MOST_POINTS, PointsWish().most)
        self.most.setSingleStep(10_000)
        self.colour_by = QComboBox()
        self.colour_by.addItems(list(COLOUR_BY))
        self.whole = QCheckBox("Also outside the view")
        self.show_points = QPushButton("Show localizations")
        self.points_note = _sentence("")
        form.addRow("Frames", frames)
        form.addRow("At most", self.most)
        form.addRow("Colour by", self.colour_by)
        form.addRow(self.whole)
        form.addRow(self.show_points)
        form.addRow(self.points_note)


def _sentence(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _number(low: int, high: int, value: int) -> QSpinBox:
    field = QSpinBox()
    field.setRange(low, high)
    field.setValue(value)
    field.setGroupSeparatorShown(True)
    return field

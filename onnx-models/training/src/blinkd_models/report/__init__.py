"""One page that says what a bundle can do: measurements, pictures, tables.

``measure`` runs the network, ``figures`` and ``frames`` draw, ``page`` writes HTML, ``summary`` the card's tables.
Never: trains, exports.
"""

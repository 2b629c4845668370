"""
The demonstration: invented traders and agencies around a real window, and a check that all came as it should.

What must come of each record is known before it is sent, from the samples' own files and from a small table; the
window's deciding (``nsw.processing``) is never asked.
"""

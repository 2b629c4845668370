"""
The wire formats of documents: bytes to tree and back, for XML and for Avro.

Knows no message type, no Kafka and no clock. Whatever the bytes are, reading them ends in a tree or a MessageError.
"""

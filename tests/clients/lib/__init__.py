"""Everything the client and crash tests drive: the daemon, real origins, real clients, faults,
signatures.
"""

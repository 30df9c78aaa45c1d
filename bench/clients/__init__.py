"""Every client that is measured, behind one small protocol, so that all of them are asked the same in the same way."""

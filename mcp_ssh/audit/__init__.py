"""Evidence: what was asked, decided and done. Records, redaction and the chain are pure; the sink writes."""

"""What a command is: pure judgement over its text. A crash in here is a dangerous verdict, never an allow."""

"""What programs do that is dangerous, in families; each rule looks at one program that would run."""

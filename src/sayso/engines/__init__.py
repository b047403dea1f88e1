"""Engines get runs advanced; they hold no truth of their own. `local` is the embedded one."""

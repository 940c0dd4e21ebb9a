"""What of `archc import` needs torch: the trace of a live module, and the proof."""

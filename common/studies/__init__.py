"""What the notebooks ask beside the scores: ablations, probes, comparisons."""

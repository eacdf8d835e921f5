"""`make bench`: what a complete flow costs, step by step, with and without each protection. See docs/performance.md."""

"""Run records and what is made of them: reads run files and nothing else."""

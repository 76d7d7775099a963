"""Step Functions: moto's interpreter, with states that start and wait for jobs."""

"""SageMaker: training, processing and batch transform jobs that really run."""

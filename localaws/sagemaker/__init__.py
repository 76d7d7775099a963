"""SageMaker jobs, which execute their programs.

operations   Create, Describe, Stop and List of jobs, and their tags
work         what all kinds of jobs have in common: /opt/ml, failure messages
training     training jobs in script mode
tuning       hyperparameter tuning jobs, which start training jobs
sampling     the hyperparameters of a tuning job's next training job
processing   processing jobs
transform    batch transform jobs
records      a job as its Describe operation returns it
persistence  models in the state folder
"""

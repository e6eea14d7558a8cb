//! Contracts and pure values of the S3 credential provider: contexts, forms, chains, plans, errors

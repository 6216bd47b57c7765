"""Transfer of directories to and from object storage, verified on both sides."""

"""The stages of the pipeline: one `run_<stage>` each, paths and a frozen config in, files and a frozen result out."""

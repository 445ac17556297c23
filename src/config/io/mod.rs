//! Reads the file and everything it includes. The only place that opens a configuration file.

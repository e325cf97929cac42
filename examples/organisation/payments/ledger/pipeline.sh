#!/bin/sh
set -eu
install-packages packages.txt

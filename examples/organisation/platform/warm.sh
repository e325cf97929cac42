#!/bin/sh
set -eu
install-packages packages.txt
install-browser 1.2 .browser

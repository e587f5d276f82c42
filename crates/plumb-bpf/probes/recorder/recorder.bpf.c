// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * The recorder: what happens to sockets, and which code made it happen.
 *
 * One object, because its programs share their maps, and without pinning anything a second object
 * could not be given them. Programs are loaded one by one: those of layers nobody asked for, and those
 * this kernel refuses, stay out (recorder/ladders.rs).
 */
#include "states.h"
#include "faults.h"
#include "reading.h"
#include "opening.h"
#include "processes.h"
#include "calls.h"
#include "traffic.h"
#include "libraries.h"
#include "fallback.h"
#include "writers.h"
#include "overflow.h"
#include "made.h"

LICENSE;

// An extent that is computed is the same in the phase that reads a temporary as where the temporary was made: all that is read is inside.
//
// RUN: %tegula compile std:conv2d_planes_dgrad --set KG=8 --set CG=3 --set R=3 --set S=3 --set stride_h=2 --set stride_w=2 --set pad_h=1 --set pad_w=1 --set B=16 --set act=0 --absent bias --emit passes | FileCheck %s
//
// CHECK-COUNT-4: load %Z, {{.*}}in_bounds=31

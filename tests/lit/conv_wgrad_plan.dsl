// A filter's gradient is one product: filter positions and channels are rows, read from one window of the image; lanes run along the axis that
// is stored, also where the image could be read in place as well (no padding).
// RUN: %tegula compile std:conv2d_wgrad --set pad_h=1 --set pad_w=1 --set R=3 --set S=3 --emit plan --arch avx2 | FileCheck %s
// RUN: %tegula compile std:conv2d_wgrad --set R=3 --set S=3 --emit plan --arch avx512 | FileCheck %s
// CHECK: dot vector k of operand 1, row c, rows r, s, over n, p, q
// CHECK-NOT: nest

// Lanes along the reduction: the sums of both axes of a filter run together, as far as registers go. Three would wait for one another.
//
// RUN: %tegula compile std:depthwise2d_planes_wgrad --set R=3 --set S=3 --set pad_h=1 --set pad_w=1 --emit plan --arch avx512 | FileCheck %s
// RUN: %tegula compile std:depthwise2d_planes_wgrad --set R=5 --set S=5 --set pad_h=2 --set pad_w=2 --emit plan --arch avx512 | FileCheck %s --check-prefix FIVE
// RUN: %tegula compile std:conv2d_groups_planes_wgrad --set R=3 --set S=3 --set KG=4 --emit plan --arch avx512 | FileCheck %s --check-prefix GROUP
//
// CHECK: nest r by 3 s by 3 | p q x8
// FIVE: nest r by 5 s by 5 | p q x8
// GROUP: nest k r by 3 s by 3 | p q x8

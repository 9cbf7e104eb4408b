// Columns known to be fewer than the usual register tile's leave registers to more rows: here B columns of Winograd's filters.
// RUN: %tegula compile std:conv2d_winograd --set B=16 --emit plan --arch avx512 | FileCheck --check-prefix=ONE %s
// RUN: %tegula compile std:conv2d_winograd --set B=32 --emit plan --arch avx512 | FileCheck --check-prefix=TWO %s
// RUN: %tegula compile std:conv2d_winograd --set B=64 --emit plan --arch avx512 | FileCheck --check-prefix=FOUR %s
// RUN: %tegula compile std:conv2d_winograd --set B=8 --emit plan --arch avx2 | FileCheck --check-prefix=ONE256 %s
// RUN: %tegula compile std:conv2d_winograd --set B=16 --emit plan --arch avx2 | FileCheck --check-prefix=TWO256 %s
// ONE: row t, {{.*}} tile 16 by 1 vectors
// TWO: row t, {{.*}} tile 12 by 2 vectors
// FOUR: row t, {{.*}} tile 6 by 4 vectors
// ONE256: row t, {{.*}} tile 12 by 1 vectors
// TWO256: row t, {{.*}} tile 6 by 2 vectors

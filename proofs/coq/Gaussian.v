(** The privacy profile of Gaussian noise on the real line, from the densities.

    The book takes from probability.likelihood-ratio that the best test is a half-line. Here every test h with values
    in [0, 1] is compared with the half-line under the integral. Left to the book: that several dimensions are no
    worse than one (probability.gaussian-rotation). *)

From Coq Require Import Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
Open Scope R_scope.

Definition bell x := exp (- (x * x) / 2) / sqrt (2 * PI).

(** The normal distribution function: the antiderivative of the bell that vanishes far to the left. *)
Definition normal_cdf (Phi : R -> R) := (forall x, is_derive Phi x (bell x)) /\ is_lim Phi m_infty 0.

(** The density of N(v, s^2). *)
Definition density v s x := bell ((x - v) / s) / s.

(** The profile at mu = distance / noise. *)
Definition profile (Phi : R -> R) epsilon mu := Phi (mu / 2 - epsilon / mu) - exp epsilon * Phi (- (mu / 2) - epsilon / mu).

Lemma bell_positive x : 0 < bell x.
Proof. apply Rdiv_lt_0_compat; [apply exp_pos | apply sqrt_lt_R0; pose proof PI_RGT_0; lra]. Qed.

Lemma bell_even x : bell (- x) = bell x.
Proof. unfold bell. f_equal. f_equal. field. Qed.

Lemma density_positive v s x : 0 < s -> 0 < density v s x.
Proof. intros noise. apply Rdiv_lt_0_compat; [apply bell_positive | assumption]. Qed.

(** exp(epsilon) bell w <= bell u as soon as epsilon <= (w^2 - u^2)/2, and the other way round. *)
Lemma bell_ratio_le u w epsilon : epsilon <= (w * w - u * u) / 2 -> exp epsilon * bell w <= bell u.
Proof.
  intros less. unfold bell, Rdiv. rewrite <- Rmult_assoc, <- exp_plus.
  apply Rmult_le_compat_r; [apply Rlt_le, Rinv_0_lt_compat, sqrt_lt_R0; pose proof PI_RGT_0; lra|].
  destruct (Req_dec (epsilon + - (w * w) * / 2) (- (u * u) * / 2)) as [-> | other]; [lra | apply Rlt_le, exp_increasing; lra].
Qed.

Lemma bell_ratio_ge u w epsilon : (w * w - u * u) / 2 <= epsilon -> bell u <= exp epsilon * bell w.
Proof.
  intros less. unfold bell, Rdiv. rewrite <- Rmult_assoc, <- exp_plus.
  apply Rmult_le_compat_r; [apply Rlt_le, Rinv_0_lt_compat, sqrt_lt_R0; pose proof PI_RGT_0; lra|].
  destruct (Req_dec (epsilon + - (w * w) * / 2) (- (u * u) * / 2)) as [-> | other]; [lra | apply Rlt_le, exp_increasing; lra].
Qed.

(** There is such a function: the integral from 0 on falls, to the left, no further than that of exp(x + 1/2) >= exp(-x^2/2). *)
Lemma normal_cdf_exists : exists Phi, normal_cdf Phi.
Proof.
  set (base x := RInt bell 0 x). set (k := sqrt (2 * PI)).
  assert (0 < k) by (apply sqrt_lt_R0; pose proof PI_RGT_0; lra).
  assert (smooth : forall x, continuous bell x) by (intros x; apply (ex_derive_continuous bell); unfold bell; now auto_derive).
  assert (slope : forall x, is_derive base x (bell x)).
  { intros x. apply (is_derive_RInt (V := R_CompleteNormedModule) bell base 0); [|apply smooth].
    exists (mkposreal 1 Rlt_0_1). intros y _. apply (RInt_correct (V := R_CompleteNormedModule)).
    apply (ex_RInt_continuous (V := R_CompleteNormedModule)). intros z _. apply smooth. }
  assert (grows : forall x y, x <= y -> base x <= base y).
  { intros x y [less | ->]; [|lra]. destruct (MVT_gen base x y bell) as [c [_ value]].
    - intros z _. apply slope.
    - intros z _. apply continuity_pt_filterlim. apply (ex_derive_continuous base). eexists. apply slope.
    - pose proof (bell_positive c). nra. }
  assert (floor : forall x, - exp (/ 2) / k <= base x).
  { intros x. destruct (Rle_lt_dec 0 x) as [right|left].
    - apply Rle_trans with (base 0); [|now apply grows]. unfold base. rewrite RInt_point. unfold zero; simpl.
      assert (0 < exp (/ 2) / k) by (apply Rdiv_lt_0_compat; [apply exp_pos | assumption]).
      replace (- exp (/ 2) / k) with (- (exp (/ 2) / k)) by (field; lra). lra.
    - destruct (MVT_gen (fun y => base y - exp (y + / 2) / k) x 0 (fun y => bell y - exp (y + / 2) / k)) as [c [_ value]].
      + intros y _. apply (is_derive_minus (K := R_AbsRing) (V := R_NormedModule)); [apply slope|]. auto_derive; [easy | field; lra].
      + intros y _. apply continuity_pt_filterlim. apply (ex_derive_continuous (fun y => base y - exp (y + / 2) / k)).
        eexists. apply (is_derive_minus (K := R_AbsRing) (V := R_NormedModule)); [apply slope|]. auto_derive; [easy | reflexivity].
      + assert (bell c <= exp (c + / 2) / k).
        { unfold bell. fold k. apply Rmult_le_compat_r; [apply Rlt_le; now apply Rinv_0_lt_compat|].
          pose proof (Rle_0_sqr (c + 1)) as square. unfold Rsqr in square.
          destruct (Req_dec (- (c * c) / 2) (c + / 2)) as [-> | other]; [lra | apply Rlt_le, exp_increasing; lra]. }
        assert (base 0 = 0) as start by (unfold base; now rewrite RInt_point). rewrite start, Rplus_0_l in value.
        assert (0 < exp (x + / 2) / k) by (apply Rdiv_lt_0_compat; [apply exp_pos | assumption]).
        replace (- exp (/ 2) / k) with (- (exp (/ 2) / k)) by (field; lra). nra. }
  destruct (completeness (fun y => exists x, y = - base x)) as [m [above least]].
  - exists (exp (/ 2) / k). intros y [x ->]. specialize (floor x).
    replace (- exp (/ 2) / k) with (- (exp (/ 2) / k)) in floor by (field; lra). lra.
  - exists (- base 0). now exists 0.
  - exists (fun x => base x + m). split.
    + intros x. rewrite <- (Rplus_0_r (bell x)). apply (is_derive_plus (K := R_AbsRing) (V := R_NormedModule)); [apply slope|].
      apply (is_derive_const (K := R_AbsRing) (V := R_NormedModule)).
    + apply is_lim_spec. intros eps. pose proof (cond_pos eps).
      assert (deep : exists x, base x + m < eps).
      { apply Classical_Pred_Type.not_all_not_ex. intros none. assert (m <= m - eps); [|lra]. apply least. intros y [x ->].
        specialize (none x). lra. }
      destruct deep as [M near]. exists M. intros x before. rewrite Rminus_0_r.
      assert (- base x <= m) by (apply above; now exists x). pose proof (grows x M ltac:(lra)). rewrite Rabs_pos_eq; lra.
Qed.

Section Profile.
Variables (Phi : R -> R) (epsilon : R).
Hypothesis cdf : normal_cdf Phi.

Lemma vanishes eps : 0 < eps -> exists M, forall x, x < M -> Rabs (Phi x) < eps.
Proof.
  intros positive. destruct cdf as [_ limit]. apply is_lim_spec in limit. destruct (limit (mkposreal eps positive)) as [M near].
  exists M. intros x before. specialize (near x before). simpl in near. now rewrite Rminus_0_r in near.
Qed.

(** *** The profile grows with mu *)

Lemma profile_derivative mu : 0 < mu -> is_derive (profile Phi epsilon) mu (bell (mu / 2 - epsilon / mu)).
Proof.
  intros positive. destruct cdf as [slope _]. unfold profile.
  set (a := mu / 2 - epsilon / mu). set (b := - (mu / 2) - epsilon / mu).
  assert (same : exp epsilon * bell b = bell a).
  { assert (a * a = b * b - 2 * epsilon) by (unfold a, b; field; lra). apply Rle_antisym; [apply bell_ratio_le | apply bell_ratio_ge]; lra. }
  replace (bell a) with ((/ 2 + epsilon / (mu * mu)) * bell a - exp epsilon * ((- / 2 + epsilon / (mu * mu)) * bell b)).
  2: { transitivity ((/ 2 + epsilon / (mu * mu)) * bell a - (- / 2 + epsilon / (mu * mu)) * (exp epsilon * bell b)); [ring|].
       rewrite same. field. lra. }
  apply (is_derive_minus (K := R_AbsRing) (V := R_NormedModule)).
  - apply (is_derive_comp Phi (fun m => m / 2 - epsilon / m)); [apply slope|]. auto_derive; [lra | field; lra].
  - apply is_derive_scal. apply (is_derive_comp Phi (fun m => - (m / 2) - epsilon / m)); [apply slope|].
    auto_derive; [lra | field; lra].
Qed.

Lemma profile_grows first second : 0 < first -> first <= second -> profile Phi epsilon first <= profile Phi epsilon second.
Proof.
  intros positive [less | <-]; [|lra].
  destruct (MVT_gen (profile Phi epsilon) first second (fun mu => bell (mu / 2 - epsilon / mu))) as [c [_ value]].
  - intros mu inside. rewrite Rmin_left in inside by lra. apply profile_derivative. lra.
  - intros mu inside. rewrite Rmin_left in inside by lra. apply continuity_pt_filterlim. apply (ex_derive_continuous (profile Phi epsilon)).
    eexists. apply profile_derivative. lra.
  - pose proof (bell_positive (c / 2 - epsilon / c)). nra.
Qed.

(** *** The half-line above the threshold *)

Section Line.
Variables (v v' s : R).
Hypotheses (noise : 0 < s) (ahead : v' < v).

(** Where the density of N(v, s^2) is exp(epsilon) times that of N(v', s^2). *)
Let threshold := (v + v') / 2 + epsilon * (s * s) / (v - v').
Let slack x := density v s x - exp epsilon * density v' s x.
Let beyond x := Phi ((v - x) / s) - exp epsilon * Phi ((v' - x) / s).

Lemma squares x : (((x - v') / s) * ((x - v') / s) - ((x - v) / s) * ((x - v) / s)) / 2 - epsilon = (v - v') / (s * s) * (x - threshold).
Proof. unfold threshold. field. lra. Qed.

Lemma slack_above x : threshold <= x -> 0 <= slack x.
Proof.
  intros right. unfold slack, density.
  assert (exp epsilon * bell ((x - v') / s) <= bell ((x - v) / s)).
  { apply bell_ratio_le. pose proof (squares x) as level.
    assert (0 <= (v - v') / (s * s) * (x - threshold)) by (apply Rmult_le_pos; [apply Rlt_le, Rdiv_lt_0_compat; nra | lra]). lra. }
  replace (bell ((x - v) / s) / s - exp epsilon * (bell ((x - v') / s) / s))
    with ((bell ((x - v) / s) - exp epsilon * bell ((x - v') / s)) / s) by (field; lra).
  apply Rmult_le_pos; [lra | apply Rlt_le; now apply Rinv_0_lt_compat].
Qed.

Lemma slack_below x : x <= threshold -> slack x <= 0.
Proof.
  intros left. unfold slack, density.
  assert (bell ((x - v) / s) <= exp epsilon * bell ((x - v') / s)).
  { apply bell_ratio_ge. pose proof (squares x) as level.
    assert (0 <= (v - v') / (s * s) * (threshold - x)) by (apply Rmult_le_pos; [apply Rlt_le, Rdiv_lt_0_compat; nra | lra]). lra. }
  replace (bell ((x - v) / s) / s - exp epsilon * (bell ((x - v') / s) / s))
    with (- ((exp epsilon * bell ((x - v') / s) - bell ((x - v) / s)) / s)) by (field; lra).
  assert (0 <= (exp epsilon * bell ((x - v') / s) - bell ((x - v) / s)) / s) by (apply Rmult_le_pos; [lra | apply Rlt_le; now apply Rinv_0_lt_compat]). lra.
Qed.

Lemma reflected w x : is_derive (fun y => Phi ((w - y) / s)) x (- density w s x).
Proof.
  destruct cdf as [slope _]. unfold density. replace ((x - w) / s) with (- ((w - x) / s)) by (field; lra). rewrite bell_even.
  replace (- (bell ((w - x) / s) / s)) with (- / s * bell ((w - x) / s)) by (field; lra).
  apply (is_derive_comp Phi (fun y => (w - y) / s)); [apply slope|]. auto_derive; [easy | field; lra].
Qed.

Lemma beyond_derivative x : is_derive beyond x (- slack x).
Proof.
  unfold slack. replace (- (density v s x - exp epsilon * density v' s x)) with (- density v s x - exp epsilon * - density v' s x) by ring.
  apply (is_derive_minus (K := R_AbsRing) (V := R_NormedModule)); [apply reflected | apply is_derive_scal, reflected].
Qed.

Lemma beyond_at_threshold : beyond threshold = profile Phi epsilon ((v - v') / s).
Proof. unfold beyond, profile, threshold. f_equal; [f_equal | f_equal; f_equal]; field; lra. Qed.

Lemma beyond_falls a b : threshold <= a -> a <= b -> beyond b <= beyond a.
Proof.
  intros right [less | <-]; [|lra].
  destruct (MVT_gen beyond a b (fun x => - slack x)) as [c [inside value]].
  - intros x _. apply beyond_derivative.
  - intros x _. apply continuity_pt_filterlim. apply (ex_derive_continuous beyond). eexists. apply beyond_derivative.
  - rewrite Rmin_left in inside by lra. pose proof (slack_above c ltac:(lra)). nra.
Qed.

Lemma beyond_vanishes eps : 0 < eps -> exists M, forall x, M < x -> Rabs (beyond x) < eps.
Proof.
  intros positive. assert (0 < exp epsilon) by apply exp_pos.
  assert (share : 0 < eps / (1 + exp epsilon)) by (apply Rdiv_lt_0_compat; lra).
  destruct (vanishes _ share) as [M near]. exists (v - s * M). intros x far.
  assert (scaled : forall w, w <= v -> (w - x) / s < M).
  { intros w order. apply Rmult_lt_reg_r with s; [assumption|]. replace ((w - x) / s * s) with (w - x) by (field; lra). lra. }
  pose proof (near _ (scaled v ltac:(lra))). pose proof (near _ (scaled v' ltac:(lra))).
  unfold beyond. eapply Rle_lt_trans; [apply Rabs_triang|]. rewrite Rabs_Ropp, Rabs_mult, (Rabs_pos_eq (exp epsilon)) by lra.
  assert (exp epsilon * Rabs (Phi ((v' - x) / s)) <= exp epsilon * (eps / (1 + exp epsilon))) by (apply Rmult_le_compat_l; lra).
  replace eps with (eps / (1 + exp epsilon) + exp epsilon * (eps / (1 + exp epsilon))) at 1 by (field; lra). lra.
Qed.

Lemma beyond_nonnegative a : threshold <= a -> 0 <= beyond a.
Proof.
  intros right. destruct (Rle_lt_dec 0 (beyond a)) as [fine|negative]; [exact fine | exfalso].
  destruct (beyond_vanishes (- beyond a)) as [M near]; [lra|].
  set (x := Rmax a M + 1). assert (a <= Rmax a M) by apply Rmax_l. assert (M <= Rmax a M) by apply Rmax_r.
  specialize (near x ltac:(unfold x; lra)). pose proof (beyond_falls a x right ltac:(unfold x; lra)).
  rewrite Rabs_left in near; lra.
Qed.

(** The mean of a test on [a, b] under the one law less exp(epsilon) times that under the other. *)
Lemma slack_integral a b : is_RInt slack a b (beyond a - beyond b).
Proof.
  replace (beyond a - beyond b) with (minus (- beyond b) (- beyond a)) by (unfold minus, plus, opp; simpl; ring).
  apply (is_RInt_derive (V := R_CompleteNormedModule) (fun x => - beyond x) slack).
  - intros x _. rewrite <- (Ropp_involutive (slack x)). apply (is_derive_opp (K := R_AbsRing) (V := R_NormedModule)), beyond_derivative.
  - intros x _. apply (ex_derive_continuous slack). unfold slack, density, bell. now auto_derive.
Qed.

Lemma half_line_is_best (h : R -> R) a b : a <= b -> (forall x, 0 <= h x <= 1) -> ex_RInt (fun x => h x * slack x) a b ->
  RInt (fun x => h x * slack x) a b <= profile Phi epsilon ((v - v') / s).
Proof.
  intros order range exists_whole. rewrite <- beyond_at_threshold.
  assert (before : forall c d, c <= d -> d <= threshold -> ex_RInt (fun x => h x * slack x) c d -> RInt (fun x => h x * slack x) c d <= 0).
  { intros c d less left integrable. replace 0 with (RInt (fun _ => 0) c d) by (rewrite RInt_const; unfold scal; simpl; unfold mult; simpl; ring).
    apply RInt_le; [exact less | exact integrable | apply ex_RInt_const |].
    intros x inside. pose proof (slack_below x ltac:(lra)). specialize (range x). nra. }
  assert (after : forall c d, threshold <= c -> c <= d -> ex_RInt (fun x => h x * slack x) c d -> RInt (fun x => h x * slack x) c d <= beyond threshold).
  { intros c d right less integrable. apply Rle_trans with (RInt slack c d).
    - apply RInt_le; [exact less | exact integrable | eexists; apply slack_integral |].
      intros x inside. pose proof (slack_above x ltac:(lra)). specialize (range x). nra.
    - rewrite (is_RInt_unique _ _ _ _ (slack_integral c d)).
      pose proof (beyond_nonnegative d ltac:(lra)). pose proof (beyond_falls threshold c (Rle_refl _) right). lra. }
  pose proof (beyond_nonnegative threshold (Rle_refl _)).
  destruct (Rle_lt_dec b threshold) as [left|right]; [pose proof (before a b order left exists_whole); lra|].
  destruct (Rle_lt_dec threshold a) as [right'|left']; [now apply after|].
  assert (one : ex_RInt (fun x => h x * slack x) a threshold) by (apply (ex_RInt_Chasles_1 (V := R_CompleteNormedModule)) with b; [lra | exact exists_whole]).
  assert (two : ex_RInt (fun x => h x * slack x) threshold b) by (apply (ex_RInt_Chasles_2 (V := R_CompleteNormedModule)) with a; [lra | exact exists_whole]).
  rewrite <- (RInt_Chasles (V := R_CompleteNormedModule) _ a threshold b one two). unfold plus; simpl.
  pose proof (before a threshold ltac:(lra) (Rle_refl _) one). pose proof (after threshold b (Rle_refl _) ltac:(lra) two). lra.
Qed.

(** No smaller number will do: the test that is 1 from the threshold on comes as near as one likes. *)
Lemma half_line_attains : is_lim (fun b => RInt slack threshold b) p_infty (profile Phi epsilon ((v - v') / s)).
Proof.
  rewrite <- beyond_at_threshold. apply is_lim_spec. intros eps. destruct (beyond_vanishes eps (cond_pos eps)) as [M near].
  exists M. intros b far. rewrite (is_RInt_unique _ _ _ _ (slack_integral threshold b)).
  replace (beyond threshold - beyond b - beyond threshold) with (- beyond b) by ring. rewrite Rabs_Ropp. now apply near.
Qed.
End Line.
End Profile.

Lemma mirrored (f : R -> R) a b : ex_RInt f a b -> RInt f a b = RInt (fun y => f (- y)) (- b) (- a) /\ ex_RInt (fun y => f (- y)) (- b) (- a).
Proof.
  intros [i value]. assert (flipped : is_RInt (fun y => f (- y)) (- b) (- a) i).
  { pose proof (is_RInt_comp_opp (V := R_NormedModule) f (- a) (- b) i) as turn. rewrite !Ropp_involutive in turn. specialize (turn value).
    apply (is_RInt_swap (V := R_NormedModule)) in turn. apply (is_RInt_opp (V := R_NormedModule)) in turn.
    rewrite opp_opp in turn. eapply is_RInt_ext; [|exact turn]. intros y _. apply opp_opp. }
  split; [|now exists i]. rewrite (is_RInt_unique _ _ _ _ value). symmetry. exact (is_RInt_unique _ _ _ _ flipped).
Qed.

(** Mirrors [gaussian.profile], on the real line: h is any test, integrated over any segment; v and v' may change places. *)
Theorem gaussian_profile (Phi : R -> R) (v v' s epsilon sensitivity sigma a b : R) (h : R -> R) :
  normal_cdf Phi -> 0 <= epsilon -> 0 < sensitivity -> 0 < sigma -> sigma <= s -> Rabs (v - v') <= sensitivity ->
  a <= b -> (forall x, 0 <= h x <= 1) ->
  ex_RInt (fun x => h x * density v s x) a b -> ex_RInt (fun x => h x * density v' s x) a b ->
  RInt (fun x => h x * density v s x) a b <= exp epsilon * RInt (fun x => h x * density v' s x) a b
    + (Phi (sensitivity / (2 * sigma) - epsilon * sigma / sensitivity)
       - exp epsilon * Phi (- (sensitivity / (2 * sigma)) - epsilon * sigma / sensitivity)).
Proof.
  intros cdf allowed far noise_given noise near order range one two. assert (noisy : 0 < s) by lra.
  replace (Phi _ - exp epsilon * Phi _) with (profile Phi epsilon (sensitivity / sigma))
    by (unfold profile; f_equal; [f_equal | f_equal; f_equal]; field; lra).
  assert (difference : is_RInt (fun x => h x * (density v s x - exp epsilon * density v' s x)) a b
      (RInt (fun x => h x * density v s x) a b - exp epsilon * RInt (fun x => h x * density v' s x) a b)).
  { apply is_RInt_ext with (fun x => minus (h x * density v s x) (scal (exp epsilon) (h x * density v' s x))).
    { intros x _. unfold minus, plus, opp, scal; simpl; unfold mult; simpl. ring. }
    apply (is_RInt_minus (V := R_NormedModule)); [now apply (RInt_correct (V := R_CompleteNormedModule))|].
    apply (is_RInt_scal (V := R_NormedModule)). now apply (RInt_correct (V := R_CompleteNormedModule)). }
  assert (mean : RInt (fun x => h x * (density v s x - exp epsilon * density v' s x)) a b <= profile Phi epsilon (sensitivity / sigma)).
  2: { rewrite (is_RInt_unique _ _ _ _ difference) in mean. lra. }
  assert (integrable : ex_RInt (fun x => h x * (density v s x - exp epsilon * density v' s x)) a b) by (eexists; exact difference).
  clear difference one two. assert (0 < sensitivity / sigma) by (apply Rdiv_lt_0_compat; lra).
  assert (shorter : forall d, 0 < d -> d <= sensitivity -> profile Phi epsilon (d / s) <= profile Phi epsilon (sensitivity / sigma)).
  { intros d positive below. apply profile_grows; [exact cdf | now apply Rdiv_lt_0_compat |].
    apply Rmult_le_compat; [lra | apply Rlt_le; now apply Rinv_0_lt_compat | exact below | apply Rinv_le_contravar; lra]. }
  destruct (Rtotal_order v v') as [behind|[same|ahead]].
  - destruct (mirrored _ a b integrable) as [-> also].
    assert (even : forall w x, density w s (- x) = density (- w) s x).
    { intros w x. unfold density. rewrite <- bell_even. f_equal. f_equal. field. lra. }
    assert (swapped : (fun y => h (- y) * (density v s (- y) - exp epsilon * density v' s (- y)))
        = (fun y => h (- y) * (density (- v) s y - exp epsilon * density (- v') s y))).
    { apply FunctionalExtensionality.functional_extensionality. intros y. now rewrite !even. }
    rewrite swapped in *. rewrite Rabs_left in near by lra.
    apply Rle_trans with (profile Phi epsilon ((- v - - v') / s)); [|apply shorter; lra].
    apply (half_line_is_best Phi epsilon cdf (- v) (- v') s noisy ltac:(lra) (fun y => h (- y))); [lra | intros y; apply range | exact also].
  - subst v'. apply Rle_trans with 0.
    + replace 0 with (RInt (fun _ => 0) a b) by (rewrite RInt_const; unfold scal; simpl; unfold mult; simpl; ring).
      apply RInt_le; [exact order | exact integrable | apply ex_RInt_const |].
      intros x _. specialize (range x). pose proof (density_positive v s x noisy).
      assert (1 <= exp epsilon) by (rewrite <- exp_0; destruct allowed as [up | <-]; [apply Rlt_le; now apply exp_increasing | lra]).
      assert (density v s x - exp epsilon * density v s x <= 0) by nra. nra.
    + (* at sensitivity, the half-line is a test that does no worse than none *)
      pose proof (half_line_is_best Phi epsilon cdf sensitivity 0 sigma noise_given far (fun _ => 0) 0 0 (Rle_refl _)
        ltac:(intros; lra) (ex_RInt_point _ _)) as none.
      rewrite RInt_point, Rminus_0_r in none. exact none.
  - rewrite Rabs_right in near by lra.
    apply Rle_trans with (profile Phi epsilon ((v - v') / s)); [|apply shorter; lra]. now apply half_line_is_best.
Qed.

-- The division of the application, so that who may look at a verification is decided before anything is unsealed.
-- Not known of verifications of before.
ALTER TABLE verification ADD COLUMN division TEXT;

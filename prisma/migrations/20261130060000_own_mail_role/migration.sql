-- What lies in a mailbox that the person took the role of Sent from was not written by them because of that.
CREATE OR REPLACE FUNCTION is_own_mail(message) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT 1 FROM account a WHERE a.id = $1.account_id AND lower(a.address) = lower($1.from_addresses -> 0 ->> 'address'))
    OR EXISTS (SELECT 1 FROM identity i WHERE i.account_id = $1.account_id AND lower(i.address) = lower($1.from_addresses -> 0 ->> 'address'))
    OR EXISTS (SELECT 1 FROM placement p JOIN mailbox b ON b.id = p.mailbox_id
      WHERE p.message_id = $1.id AND coalesce(b.chosen_role, b.role) = 'sent')
$$;
